"""`ruiji migrate`: copies ledger and vectors to larger engines, compares them, and tells the settings for them."""

from __future__ import annotations

from pathlib import Path

from catalog.artifacts import ArtifactStore
from catalog.index import VectorIndex
from catalog.index_options import address_of
from catalog.ledger import Ledger
from deploy.moving.move import Place, move
from deploy.moving.target import Target, target_of
from deploy.standstill import require_no_workers, stopped, unchanged
from settings import Settings


def run(settings: Settings, file: Path | None, given: dict[str, str]) -> int:
    """Move; 0. Raises MoveRefused, and AlreadyRunning while Ruiji runs on the source."""
    target = target_of(settings, file, given)
    with stopped(settings):
        source = Place(Ledger.open(settings.resolved_database_url()), ArtifactStore(settings.resolved_artifacts_url()))
        require_no_workers(source.ledger)
        artifacts = target.artifacts_url or source.store.url
        there = Place(Ledger.open(target.database_url), ArtifactStore(artifacts))
        index = VectorIndex(target.index_url, token=target.index_token, options=target.index_options())
        with unchanged(source.ledger):
            found = move(source, there, index, say=lambda line: print(line, flush=True))
    print(
        f"compared: {found.rows:,} rows, among them all {found.label_events:,} label events; {found.vectors:,} vectors,"
        f" {found.sampled:,} of them number by number, at most {found.apart:.1e} apart;"
        f" the nearest 10 of {found.queries} pictures, {found.same_answers:.1%} the same"
    )
    print(f"{source.ledger} is as it was. To use what is there now, {_lines(settings, target, file)}")
    return 0


def _lines(settings: Settings, target: Target, file: Path | None) -> str:
    if file is not None:
        return f"put the lines of {file} into .env, then: ruiji up"
    names = {"database_url": target.database_url, "index_url": address_of(target.index_url).url}
    if target.index_token:
        names["index_token"] = target.index_token
    if target.artifacts_url:
        names["artifacts_url"] = target.artifacts_url
    # Passwords were given on a command line; they are not printed into a log as well.
    secret = {"database_url": str(_without_password(target.database_url)), "index_token": "the token that you gave"}
    lines = "".join(f"\n  RUIJI_{name.upper()}={secret.get(name, value)}" for name, value in names.items())
    return f"put into .env, with the password, then: ruiji up{lines}"


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)
