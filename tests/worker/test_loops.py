"""The bulk loops and the sweep, run in this process on a real ledger, store and broker."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import select, update

from catalog import tables
from catalog.chunks import claim_chunk, open_work
from catalog.job_progress import JobProgress, job_progress
from catalog.ledger import Ledger
from catalog.recovery import release_all
from tests.photos import write_folder
from tests.worker.conftest import new_job
from worker.client import Client
from worker.context import Context
from worker.embedding import EmbedLoop
from worker.sweep import Sweep


def finished(ledger: Ledger, job: int) -> JobProgress:
    progress = job_progress(ledger, job)
    assert progress.state in ("done", "failed"), progress
    return progress


def waits_for_nothing(_: float) -> NoReturn:
    raise AssertionError("nothing is open, and it waits")


def test_one_wake_up_does_all_that_is_open_and_wakes_the_index(
    context: Context, loop: EmbedLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, per_kind=9, labelled=True)
    job = new_job(context.ledger, tmp_path)
    loop.run()
    assert (finished(context.ledger, job).state, job_progress(context.ledger, job).embedded) == ("done", 27)
    assert context.presence.images == 27
    assert context.client.waiting("index") == 1  # however many shards there were
    assert context.client.waiting("embed") == 1, "for the next idle worker, who sends one in turn"
    context.replies._redis.delete("embed")
    with monkeypatch.context() as patched:
        patched.setattr(context.stopping, "wait", waits_for_nothing)
        loop.run()
    assert context.client.waiting("embed") == 0, "whoever finds nothing wakes nobody"
    assert open_work(context.ledger).shards


def test_a_folder_that_is_not_there_fails_its_job_with_the_reason(
    context: Context, loop: EmbedLoop, tmp_path: Path
) -> None:
    folder = tmp_path / "unplugged"
    folder.mkdir()
    job = new_job(context.ledger, folder)
    folder.rmdir()
    loop.run()
    progress = finished(context.ledger, job)
    assert progress.state == "failed"
    assert "unplugged" in str(progress.error)


def test_a_chunk_that_kills_its_workers_is_given_up_and_the_rest_goes_on(
    context: Context, loop: EmbedLoop, tmp_path: Path
) -> None:
    write_folder(tmp_path, per_kind=9, labelled=True, first_seed=300)
    job = new_job(context.ledger, tmp_path)
    context.stopping.set()
    loop._start_scan()  # the scan alone
    assert loop._scan is not None
    loop._scan.join()
    context.stopping.clear()
    with context.ledger.write() as connection:
        first = connection.execute(
            select(tables.chunk.c.id).where(tables.chunk.c.job_id == job).order_by(tables.chunk.c.id).limit(1)
        ).scalar_one()
    for _ in range(4):
        claimed = claim_chunk(context.ledger, worker="doomed", lease_s=60)
        assert claimed is not None
        assert claimed.id == first
        release_all(context.ledger, count_attempt=True)
    loop.run()
    progress = finished(context.ledger, job)
    assert 0 < progress.embedded < 27
    with context.ledger.read() as connection:
        row = connection.execute(
            select(tables.chunk.c.state, tables.chunk.c.error).where(tables.chunk.c.id == first)
        ).one()
    assert row.state == "failed"
    assert row.error


def test_being_killed_with_everything_else_does_not_count_against_a_chunk(
    context: Context, loop: EmbedLoop, tmp_path: Path
) -> None:
    write_folder(tmp_path, per_kind=2, labelled=True, first_seed=600)
    job = new_job(context.ledger, tmp_path)
    context.stopping.set()
    loop._start_scan()
    assert loop._scan is not None
    loop._scan.join()
    context.stopping.clear()
    for _ in range(8):
        assert claim_chunk(context.ledger, worker="innocent", lease_s=60) is not None
        assert release_all(context.ledger, count_attempt=False).chunks == 1
    loop.run()
    assert (finished(context.ledger, job).state, job_progress(context.ledger, job).embedded) == ("done", 6)


def test_told_to_stop_it_claims_nothing_more(context: Context, loop: EmbedLoop, tmp_path: Path) -> None:
    write_folder(tmp_path, per_kind=3, labelled=True, first_seed=900)
    job = new_job(context.ledger, tmp_path)
    context.stopping.set()
    loop.run()
    assert job_progress(context.ledger, job).state == "scanning"
    context.stopping.clear()
    loop.run()
    assert finished(context.ledger, job).embedded == 9


def test_the_sweep_wakes_what_nobody_does_and_does_not_pile_up_messages(context: Context, tmp_path: Path) -> None:
    write_folder(tmp_path, per_kind=1, labelled=True, first_seed=1200)
    job = new_job(context.ledger, tmp_path)
    sweep = Sweep(context)
    for _ in range(3):
        sweep.run()
    assert context.client.waiting("embed") == 1
    with context.ledger.write() as connection:
        connection.execute(update(tables.job).where(tables.job.c.id == job).values(state="cancelled"))


@pytest.mark.parametrize("folder", ["uploads", "matches"])
def test_the_sweep_deletes_what_passes_after_its_hour_and_forgets_silent_workers(
    context: Context, client: Client, folder: str
) -> None:
    context.store.put(f"{folder}/{'a' * 64}", b"old")
    context.store.put(f"{folder}/{'b' * 64}", b"new")
    old = context.store.local_path(f"{folder}/{'a' * 64}")
    assert old is not None
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    with context.ledger.write() as connection:
        values = {"queues": "embed", "host": "h", "pid": 1, "device": "cpu", "images": 0, "started_at": 0.0}
        for name, ago in (("silent", 600.0), ("lively", 1.0)):
            row = {"name": f"{name} {folder}", "heartbeat_at": time.time() - ago, **values}
            connection.execute(tables.worker.insert().values(row))
    Sweep(context).run()
    assert not context.store.exists(f"{folder}/{'a' * 64}")
    assert context.store.exists(f"{folder}/{'b' * 64}")
    with context.ledger.read() as connection:
        names = set(connection.execute(select(tables.worker.c.name)).scalars())
    assert f"lively {folder}" in names
    assert f"silent {folder}" not in names
