"""What the scaling benchmarks measure with: workers on cores of their own, the costs of a chunk, crowds of clients."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from bench.clients import measure
from bench.embed_farm import WARM_FILES, farm, workers
from bench.embed_pass import costs_of
from bench.pictures import write_jpegs
from bench.processor import Load
from catalog.tables import chunk, image
from catalog.workers import list_workers
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder

FILES = 240
SHARED = 1200  # more than one worker can do while the other waits for its turn on a busy machine


def test_workers_share_the_chunks_each_on_one_core(tmp_path: Path) -> None:
    write_jpegs(tmp_path, count=SHARED, width=96, height=96)
    with farm() as place, workers(place, count=2) as pids:
        place.warm_up(2)
        place.prepare(tmp_path, chunk_files=20)
        rows = list_workers(place.ledger, alive_within_s=60)
        cores = [os.sched_getaffinity(row.pid) for row in rows]
        assert [len(one) for one in cores] == [1, 1]
        assert len(set.union(*cores)) == min(2, len(os.sched_getaffinity(0)))
        before = Load.now(workers=pids)
        assert place.work_off() > 0
        busy = Load.now(workers=pids).cores_since(before)
        with place.ledger.read() as connection:
            done = connection.execute(select(chunk.c.worker, chunk.c.embedded).where(chunk.c.files == 20)).all()
    assert {row.pid for row in rows} == set(pids)
    assert {row.worker for row in done} == {row.name for row in rows}
    assert 0 < busy["workers"] <= 2.1 and min(busy["bench"], busy["elsewhere"]) >= 0
    assert sum(row.embedded for row in done) == SHARED


def test_the_costs_of_a_chunk_are_a_part_of_its_time(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    write_jpegs(tmp_path, count=FILES, width=96, height=96)
    with farm() as place:
        costs = costs_of(place, tmp_path, chunk_files=60)
        with place.ledger.read() as connection:
            assert len(connection.execute(select(image.c.id)).all()) == FILES + WARM_FILES
    assert costs.chunks == FILES // 60
    assert 0 < costs.ledger.processor_s <= costs.ledger.clock_s
    assert 0 < costs.share < 1
    assert costs.waiting_share > 0
    assert all(share > 0 for share in costs.shares().values()), costs.shares()
    assert sum(costs.shares().values()) == pytest.approx(1)
    assert os.sched_getaffinity(0) == before


def test_a_crowd_is_answered_in_batches_and_alone() -> None:
    figures = measure(Embedder.load(SHIPPED, threads=1, latency=True), clients=8, seconds=1.0, repetitions=3)
    assert figures["clients"] == 8
    assert figures["queries_per_s"] > 0 < figures["one_by_one_queries_per_s"]
    assert 1 < figures["pictures_in_a_batch"] <= 8
    assert figures["p50_ms"] <= figures["p99_ms"]
