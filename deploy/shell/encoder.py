"""`ruiji encoder`: which encoders there are, and the switch from one to another once it knows every picture."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.artifacts import ArtifactStore
from catalog.coverage import Coverage, coverage
from catalog.encoders import Encoder, list_encoders, promote, serving_encoder
from catalog.errors import CatalogError
from catalog.jobs import UNFINISHED, create_embed_job, list_jobs, resume_job
from catalog.ledger import Ledger
from deploy.encoder_setup import SHOWN, set_up_encoder
from deploy.shell.failures import FAILED
from deploy.shell.ingest import POLL_S, follow, require_workers
from settings import Settings
from worker.client import Client

Follow = Callable[[Ledger, int], int]
JOBS_LOOKED_AT = 1000


class NoSuchEncoder(CatalogError):
    """No encoder, or more than one, is called that."""


def show(settings: Settings) -> int:
    """Print every encoder with what it covers."""
    ledger = Ledger.open(settings.resolved_database_url())
    serving = serving_encoder(ledger)
    if serving is None:
        print("no encoder yet; `ruiji up` registers the shipped one")
        return 0
    table = Table("id", "name", "searchable pictures", "", box=None)
    for encoder in list_encoders(ledger):
        found = coverage(ledger, encoder.id)
        note = "serves" if encoder.id == serving.id else ""
        table.add_row(encoder.id[:SHOWN], Text(encoder.name), f"{found.indexed:,} of {found.images:,}", note)
    Console().print(table)
    return 0


def use(settings: Settings, wanted: str, *, incomplete: bool) -> int:
    """Register the encoder if it is a folder, fill its collection, and let it serve. Raises NotRunning."""
    ledger = Ledger.open(settings.resolved_database_url())
    encoder = find(ledger, ArtifactStore(settings.resolved_artifacts_url()), wanted)
    if not coverage(ledger, encoder.id).complete:
        require_workers(ledger)
    try:
        client = Client(settings.resolved_broker_url())

        def wake() -> None:
            client.wake_embed()
            client.wake_index()

        return switch(ledger, encoder, wake=wake, follow=follow, incomplete=incomplete)
    except KeyboardInterrupt:
        print(
            "\nthe embedding goes on in the background; it switches nothing by itself."
            f" To go on with the switch: ruiji encoder use {encoder.id[:SHOWN]}",
            file=sys.stderr,
        )
        raise


def find(ledger: Ledger, store: ArtifactStore, wanted: str) -> Encoder:
    """By folder, which is registered then, or by the beginning of the id. Raises NoSuchEncoder, EncoderDamaged."""
    if wanted and Path(wanted).is_dir():
        return set_up_encoder(ledger, store, Path(wanted))
    found = [encoder for encoder in list_encoders(ledger) if wanted and encoder.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    what = f"the ids of {len(found)} encoders begin" if found else "there is no such folder, and no encoder's id begins"
    raise NoSuchEncoder(f"{what} with {wanted!r}; see them with: ruiji encoder list")


def switch(
    ledger: Ledger, encoder: Encoder, *, wake: Callable[[], None], follow: Follow, incomplete: bool = False
) -> int:
    """Embed what this encoder does not know, wait until the index has it, promote; returns the exit code."""
    serving = serving_encoder(ledger)
    if serving is not None and serving.id != encoder.id:
        _finish_ingests(ledger, encoder, follow)
    code, found = _fill(ledger, encoder, wake=wake, follow=follow)
    if code:
        print(f"ruiji: {encoder.name} was not filled to the end; the encoder before goes on serving", file=sys.stderr)
        return code
    if not found.complete and not incomplete:
        print(_lacking(found, encoder), file=sys.stderr)
        return FAILED
    promote(ledger, encoder.id)
    # What came in between the last look and the switch was embedded by the encoder before only.
    code, found = _fill(ledger, encoder, wake=wake, follow=follow, known_lack=found.lack)
    print(
        f"{encoder.name} ({encoder.id[:SHOWN]}) serves now; {found.indexed:,} of {found.images:,} pictures searchable"
    )
    if serving is not None and serving.id != encoder.id:
        print(f"back to {serving.name}: ruiji encoder use {serving.id[:SHOWN]}")
    return code


def _finish_ingests(ledger: Ledger, encoder: Encoder, follow: Follow) -> None:
    """Pictures of an ingest under way get their place only when they are embedded: nothing else knows of them yet."""
    for job in reversed(list_jobs(ledger, limit=JOBS_LOOKED_AT)):
        if job.kind == "ingest" and job.state in UNFINISHED and job.encoder_id != encoder.id:
            if job.state == "paused":
                print(f"{job.source_name} is paused: what it has not done yet is left to a new ingest", file=sys.stderr)
            else:
                follow(ledger, job.id)


def _fill(
    ledger: Ledger, encoder: Encoder, *, wake: Callable[[], None], follow: Follow, known_lack: int = 0
) -> tuple[int, Coverage]:
    """Jobs until one brings nothing new: pictures that come meanwhile are taken along, those whose files went are not
    asked for forever."""
    before = None
    while (found := coverage(ledger, encoder.id)).lack > known_lack and found.lack != before:
        before = found.lack
        job = create_embed_job(ledger, encoder_id=encoder.id, author="shell")
        resume_job(ledger, job)
        wake()
        if code := follow(ledger, job):
            return code, found
    while found.indexed < found.embedded:  # of jobs before this one: `follow` has waited for its own
        require_workers(ledger)
        wake()
        time.sleep(POLL_S)
        found = coverage(ledger, encoder.id)
    return 0, found


def _lacking(found: Coverage, encoder: Encoder) -> str:
    return (
        f"ruiji: {found.lack:,} of {found.images:,} pictures could not be embedded with"
        f" {encoder.name}: their files are gone or cannot be read any more, so the encoder before goes on serving.\n"
        "Ingest their folders again (a disk that is not there?) and repeat, or do without these pictures with:"
        f" ruiji encoder use --incomplete {encoder.id[:SHOWN]}"
    )
