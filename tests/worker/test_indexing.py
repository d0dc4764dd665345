"""The index worker's loop: what cannot be used is put aside, and labels do not wait for the shards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from catalog.clock_steps import end_leases_ahead
from catalog.index import VectorIndex
from catalog.index_queue import pending_changes
from catalog.labels import Decision, ensure_label, record
from tests.catalog.index.world import World
from worker.context import Context
from worker.indexing import work_index

LEASE_S = 60.0  # as it is unless it is set


@pytest.fixture
def world(tmp_path: Path, milvus_lite_url: str) -> Iterator[World]:
    index = VectorIndex(milvus_lite_url)
    world = World.make(tmp_path, index)
    yield world
    world.close()
    index.close()


def context_of(world: World) -> Context:
    return cast(
        Context,
        SimpleNamespace(
            queue="index",
            ledger=world.ledger,
            store=world.store,
            index=world.index,
            presence=SimpleNamespace(name="w", doing="", images=0),
            limits=SimpleNamespace(lease_s=LEASE_S),
            mirrored="",
            stopping=threading.Event(),
        ),
    )


def test_shards_that_cannot_be_read_keep_nothing_else_waiting(world: World) -> None:
    ids = world.ingest([str(number) for number in range(14)], chunk=1)
    keys = sorted(world.store.list("shards"), key=lambda key: int(key.rpartition("/")[2].partition("-")[0]))
    for key in keys[:6]:
        world.store.delete(key)
    for key in keys[6:12]:
        world.store.put(key, b"damaged")
    context = context_of(world)
    assert work_index(context) >= 2
    assert world.index.fetch_ids(world.encoder.collection).tolist() == ids[12:]
    cat = ensure_label(world.ledger, "cat")
    record(world.ledger, key="k", author="me", decisions=[Decision(ids[13], cat.id, "yes")])
    assert work_index(context) == 1, "the twelve are put aside, and not tried again each time"
    assert world.copy([ids[13]]) == {ids[13]: ([cat.id], [1])}
    assert end_leases_ahead(world.ledger, lease_s=LEASE_S) == 0, "nor does the sweep take their rest for a wrong clock"


def test_labels_are_refreshed_between_two_shards(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [first] = world.ingest(["first"], root="/a")
    world.work()
    cat = ensure_label(world.ledger, "cat")
    record(world.ledger, key="k", author="me", decisions=[Decision(first, cat.id, "yes")])
    world.ingest([str(number) for number in range(3)], root="/b", chunk=1)
    waiting: list[int] = []
    real = work_index.__globals__["index_one_shard"]

    def watched(*arguments: object) -> int:
        waiting.append(len(pending_changes(world.ledger, 10)))
        return int(real(*arguments))

    monkeypatch.setattr("worker.indexing.index_one_shard", watched)
    work_index(context_of(world))
    assert waiting == [1, 0, 0]
