"""A worker whose surroundings fail says why, waits, and goes on; no file is blamed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import select, update

from catalog import chunks, tables
from catalog.chunks import open_work
from catalog.job_progress import job_progress
from catalog.ledger import Ledger, LedgerBusy
from tests.photos import write_folder
from tests.worker.conftest import new_job
from worker import rests
from worker.context import Context
from worker.embedding import EmbedLoop


def chunk_rows(ledger: Ledger, job: int) -> list[Any]:
    with ledger.read() as connection:
        return list(connection.execute(select(tables.chunk).where(tables.chunk.c.job_id == job)))


def wake_at_once(context: Context, loop: EmbedLoop) -> None:
    """As if all rests were over."""
    loop._rests._until.clear()
    with context.ledger.write() as connection:
        connection.execute(update(tables.chunk).where(tables.chunk.c.state == "open").values(lease_until=0.0))
    loop.run()


def unspoilt(ledger: Ledger, job: int) -> bool:
    """Nothing is claimed, has an attempt against it, or is bad."""
    rows = chunk_rows(ledger, job)
    with ledger.read() as connection:
        bad = connection.execute(select(tables.bad_file).where(tables.bad_file.c.job_id == job)).all()
    return bool(rows) and not bad and all((row.state, row.attempts) == ("open", 0) for row in rows)


@pytest.mark.parametrize("where", ["load", "run", "store"])
def test_a_lasting_fault_costs_no_file_and_stands_with_the_job_until_it_is_over(
    context: Context, loop: EmbedLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write_folder(tmp_path, per_kind=9, labelled=True, first_seed=2000 + 100 * len(where))
    job = new_job(context.ledger, tmp_path)
    calls: list[object] = []

    def broken(*_: object, **__: object) -> NoReturn:
        calls.append(None)
        raise RuntimeError("CUDA error: out of memory")

    with monkeypatch.context() as patched:
        if where == "load":
            patched.setattr(context.models, "embedder", broken)
        elif where == "run":
            patched.setattr("encoder.embed.Embedder.embed", broken)
        else:
            patched.setattr(context.store, "put", broken)
        loop.run()
        assert loop._scan is not None
        loop._scan.join()
        for _ in range(6):
            wake_at_once(context, loop)
            assert unspoilt(context.ledger, job)
        tried = len(calls)
        loop.run()
        assert len(calls) == tried, "it rests"
        progress = job_progress(context.ledger, job)
        assert (progress.state, progress.error) == ("running", "CUDA error: out of memory")
    wake_at_once(context, loop)
    progress = job_progress(context.ledger, job)
    assert (progress.state, progress.embedded, progress.error) == ("done", 27, None)


def test_a_chunk_at_which_it_happens_rests_and_the_others_go_first(
    context: Context, loop: EmbedLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, per_kind=9, labelled=True, first_seed=4000)
    job = new_job(context.ledger, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(context.store, "put", lambda *_, **__: 1 / 0)
        loop.run()
        assert loop._scan is not None
        loop._scan.join()
    assert open_work(context.ledger).chunks == len(chunk_rows(context.ledger, job)) - 1
    loop._rests._until.clear()
    loop.run()
    assert 0 < job_progress(context.ledger, job).embedded < 27
    wake_at_once(context, loop)
    assert job_progress(context.ledger, job).embedded == 27


def test_a_ledger_that_refuses_even_that_is_asked_again(
    context: Context, loop: EmbedLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, per_kind=2, labelled=True, first_seed=5000)
    job = new_job(context.ledger, tmp_path)

    def busy(*_: object, **__: object) -> NoReturn:
        raise LedgerBusy("locked")

    with monkeypatch.context() as patched:
        patched.setattr("ingest.commit.assign_ids", busy)
        patched.setattr("ingest.stream.hand_back", busy)
        patched.setattr(chunks, "hand_back", busy)
        loop.run()
        assert loop._scan is not None
        loop._scan.join()
    wake_at_once(context, loop)
    wake_at_once(context, loop)
    assert job_progress(context.ledger, job).embedded == 6


def test_rests_grow_and_end() -> None:
    some = rests.Rests()
    assert not some.holds("e")
    assert [some.begin("e") for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert some.holds("e")
    assert not some.holds("f")
    some.end("e")
    assert not some.holds("e")
    assert some.begin("e") == 2
