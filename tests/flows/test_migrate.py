"""From the engines that Ruiji brings to PostgreSQL and Milvus: killed on the way, taken up again, everything there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from catalog import tables
from catalog.encoders import register
from catalog.fault_points import VARIABLE
from catalog.index import VectorIndex
from catalog.ledger import Ledger, LedgerBusy
from catalog.restore import work_in
from catalog.table_rows import tally_of
from deploy.lock import AlreadyRunning, HomeLock
from deploy.moving.claim import claim
from deploy.moving.target import MoveRefused
from deploy.shell.migrate import run
from deploy.standstill import unchanged
from settings import Settings
from tests.photos import write_folder
from tests.servers.postgresql import PostgreSQL
from tests.stack import Stack

PER_KIND = 16
PHOTOS = 3 * PER_KIND
SMALL_MESSAGES = "import catalog.reconcile; catalog.reconcile.FILL_ROWS = 8; import ruiji; ruiji.main()"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgreSQL]:
    server = PostgreSQL("9be07a55c1")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def answers(stack: Stack) -> list[Any]:
    """What is found for some pictures, with labels; and the scores, which two engines round differently."""
    found = []
    for image in (1, PER_KIND + 2, PHOTOS):
        answer = stack.post("/api/v1/search", {"image_id": image, "k": 10})
        assert answer.status == 200, answer.body
        results = answer.json()["results"]
        assert len(results) == 10
        scores = pytest.approx([one["score"] for one in results], abs=1e-4)
        found.append(([(one["image_id"], one["labels"]) for one in results], scores))
    return found


def plain(found: list[Any]) -> list[Any]:
    """The same with the numbers that were found."""
    return [(rows, scores.expected) for rows, scores in found]


def state_of(home: Path) -> dict[str, Any]:
    """Every row of the ledger and every artifact, to see that nothing has touched them."""
    ledger = Ledger.open(f"sqlite:///{home}/ledger.db")
    with ledger.read() as connection:
        rows = {table.name: tally_of(connection, table).sha256 for table in tables.metadata.sorted_tables}
    ledger.close()
    return {**rows, **{str(path): path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*")}}


def labelled(stack: Stack, photos: Path) -> int:
    """Ingest with labels from folders, and a person's decisions; returns their batch."""
    stack.wait_job(stack.ingest(photos, labels_from_folders=True))
    body = {"key": "by-hand", "label": "cloud", "decision": "yes", "image_ids": [1, 2, 3, PHOTOS]}
    decided = stack.post("/api/v1/labels/decisions", body)
    assert decided.json()["applied"] == 4, decided.body
    return int(decided.json()["batch"])


@pytest.mark.milvus
def test_a_move_is_killed_twice_goes_on_and_loses_nothing(
    tmp_path: Path, milvus_url: str, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    photos, home = tmp_path / "photos", tmp_path / "home"
    write_folder(photos, per_kind=PER_KIND, labelled=True)
    small = Stack(home=home, allowed_root=photos, environment={"RUIJI_CHUNK_FILES": "8"})
    small.start()
    try:
        batch = labelled(small, photos)
        before = answers(small)
    finally:
        small.stop()
    assert not small.wait_gone()
    as_it_was = state_of(home)

    url = f"postgresql://ruiji:{postgres.password}@127.0.0.1:{postgres.port}/ruiji"
    file = tmp_path / "large.env"
    file.write_text(f"RUIJI_DATABASE_URL={url}\nRUIJI_INDEX_URL={milvus_url}\n")
    settings, shared = Settings(home=home), tmp_path / "shared"
    given = {"artifacts_url": str(shared)}
    target, index = Ledger.open(url), VectorIndex(milvus_url)
    source = Ledger.open(f"sqlite:///{home}/ledger.db")

    # Killed after the first of six messages to Milvus.
    (tmp_path / "move.rows.armed").touch()
    killed = subprocess.run(
        [sys.executable, "-P", "-c", SMALL_MESSAGES, "migrate", "--to", str(file), "--artifacts-url", str(shared)],
        cwd=tmp_path, env={**small.variables(), VARIABLE: str(tmp_path)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    with source.read() as connection:
        collection = connection.execute(select(tables.encoder.c.collection)).scalar_one()
    assert 0 < index.count(collection) < PHOTOS
    assert not work_in(target)

    # Another ledger does not get in between, and nobody gets at the source.
    other = Ledger.open(f"sqlite:///{tmp_path}/other.db")
    register(other, id="b" * 64, name="x", dimension=4, input_size=32, folder="f", config={}, metrics={})
    with pytest.raises(MoveRefused, match="being filled from another ledger"):
        claim(other, target, index)
    other.close()
    with HomeLock(settings.run_folder / "lock"), pytest.raises(AlreadyRunning, match="stop it first"):
        run(settings, file, given)
    monkeypatch.setattr("catalog.ledger.BUSY_TIMEOUT_S", 0.2)
    with unchanged(source), pytest.raises(LedgerBusy), Ledger.open(f"sqlite:///{home}/ledger.db").write():
        pass
    monkeypatch.undo()

    # Broken off again when the ledger is written, and not committed.
    def go_down(name: str) -> None:
        if name == "move.ledger":
            raise OSError("the machine went down")

    with monkeypatch.context() as patch:
        patch.setattr("deploy.moving.move.reach", go_down)
        with pytest.raises(OSError, match="went down"):
            run(settings, file, given)
    assert not work_in(target)
    assert f"{PHOTOS} vectors" in (said := capsys.readouterr().out)
    assert f"{PHOTOS - 8} of them sent now" in said, "what was there is not sent again"

    assert run(settings, file, given) == 0
    said = capsys.readouterr().out
    assert " 0 of them sent now" in said
    assert "100.0% the same" in said and f"put the lines of {file} into .env" in said
    assert state_of(home) == as_it_was
    assert index.count(collection) == PHOTOS
    with source.read() as old, target.read() as new:
        for table in tables.metadata.sorted_tables:
            assert tally_of(new, table).sha256 == tally_of(old, table).sha256, table.name
    assert work_in(target) == work_in(source)
    assert run(settings, file, given) == 0, "a move that is over is only compared again"

    here = {"RUIJI_DATABASE_URL": url, "RUIJI_INDEX_URL": milvus_url, "RUIJI_ARTIFACTS_URL": str(shared)}
    large = Stack(home=tmp_path / "new", allowed_root=photos, environment=here)
    large.start()
    try:
        assert plain(answers(large)) == before
        found = large.upload((photos / "sky" / "00003.jpg").read_bytes()).json()["results"][0]
        assert found["own_copy"] and [label["name"] for label in found["labels"]] == ["sky"]
        undone = large.post(f"/api/v1/batches/{batch}/undo", {"key": "undone-there"})
        assert undone.json()["applied"] == 4, undone.body
    finally:
        large.stop()
    assert not large.wait_gone()
    with pytest.raises(MoveRefused, match=r"moved to .* before, and one of them has changed since"):
        run(settings, file, given)
    assert state_of(home) == as_it_was
    for one in (source, target):
        one.close()
    index.close()
