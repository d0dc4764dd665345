"""An index is filled from a ledger and shards that stay as they are, and every difference that is left is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.images import delete_images
from catalog.index_filling import fill_index
from catalog.labels import Decision, ensure_label, record
from catalog.ledger import Ledger
from catalog.shards import ShardDamaged
from deploy.moving.compare import Compared, compare
from tests.catalog.index.made import embeddings
from tests.catalog.index.world import World

IMAGES = 30


def given(world: World) -> list[int]:
    """30 pictures in 3 shards, ten with a label, and an index that has lost them all; the ids of all."""
    ids = world.ingest([f"cats/{n}" for n in range(10)] + [str(n) for n in range(10, IMAGES)], chunk=10)
    world.work()
    world.index.drop(world.encoder.collection)
    return ids


def fill(world: World) -> tuple[int, list[int]]:
    """Fill the index; how many rows were sent, and how the progress went."""
    told: list[int] = []
    report = fill_index(world.ledger, world.store, world.index, world.encoder, progress=told.append)
    return report.missing_in_index, told


def compared(world: World, target: Ledger | None = None) -> Compared:
    return compare(world.ledger, target or world.ledger, world.store, world.index)


def test_what_is_missing_is_sent_and_nothing_twice(lite_world: World) -> None:
    ids = given(lite_world)
    assert fill(lite_world) == (IMAGES, [10, 10, 10])
    assert fill(lite_world) == (0, [10, 10, 10])
    lite_world.index.delete(lite_world.encoder.collection, ids[5:17])
    assert fill(lite_world)[0] == 12
    found = compared(lite_world)
    assert found.differences == ()
    assert (found.vectors, found.sampled, found.queries, found.same_answers) == (IMAGES, IMAGES, 20, 1.0)
    assert found.apart <= 1e-6 and found.label_events == 10


def test_what_changed_since_it_was_sent_is_sent_again(lite_world: World) -> None:
    ids = given(lite_world)
    fill(lite_world)
    label = ensure_label(lite_world.ledger, "late")
    decisions = [Decision(ids[20], label.id, "yes"), Decision(ids[21], label.id, "no")]
    record(lite_world.ledger, key="k", author="wei", decisions=decisions)
    delete_images(lite_world.ledger, [ids[3]])
    assert fill(lite_world)[0] == 0
    assert lite_world.copy([ids[20], ids[3]]) == {ids[20]: ([label.id], [1])}
    assert lite_world.index.count(lite_world.encoder.collection) == IMAGES - 1
    assert compared(lite_world).differences == ()


def test_a_damaged_shard_ends_it_and_is_left_for_the_source_to_mend(lite_world: World) -> None:
    given(lite_world)
    key = sorted(lite_world.store.list("shards"))[1]
    path = lite_world.store.local_path(key)
    assert path is not None
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    before = sorted(lite_world.store.list())
    with pytest.raises(ShardDamaged, match=r"doctor --repair"):
        fill(lite_world)
    assert sorted(lite_world.store.list()) == before
    assert lite_world.encoder.collection not in lite_world.index.collections()


def put(world: World, image: int, **changes: Any) -> None:
    """Write one row otherwise than it is."""
    rows = world.index.fetch(world.encoder.collection, [image], vectors=True)
    assert rows.vectors is not None
    labels = [x for x in rows.labels[0].tolist() if x]
    values = {"vectors": rows.vectors, "labels": [tuple(labels)], "sources": [(1,)], **changes}
    world.index.upsert(world.encoder.collection, ids=rows.ids, **values)


def test_every_difference_is_told(lite_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.moving.compare.VISIBLE_WITHIN_S", 1.0)
    ids = given(lite_world)
    fill(lite_world)
    collection = lite_world.encoder.collection
    assert compared(lite_world).differences == ()
    other = Ledger.open(f"sqlite:///{tmp_path}/other.db")
    assert "label_event has 0 rows and not 10" in compared(lite_world, other).differences
    other.close()

    label = ensure_label(lite_world.ledger, "x")
    put(lite_world, ids[25], labels=[(label.id,)])
    assert compared(lite_world).differences == ("test: 1 stale labels",)
    put(lite_world, ids[25], labels=[()])
    put(lite_world, ids[0], vectors=embeddings(1, seed=9))
    assert any(one.startswith("a vector of test is ") for one in compared(lite_world).differences)
    lite_world.index.delete(collection, [ids[0]])
    told = compared(lite_world).differences
    assert "test: 1 missing in index" in told and "the index holds 29 vectors of test, the ledger 30" in told
    fill(lite_world)
    lite_world.index.upsert(collection, ids=np.array([10**6]), vectors=embeddings(1, seed=9), labels=[()], sources=[()])
    assert "test: 1 extra in index" in compared(lite_world).differences
