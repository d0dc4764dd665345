"""Every difference between ledger, shards and index is found, and mended from the more durable side."""

from __future__ import annotations

import os

import numpy as np
import pytest

from catalog.labels import Decision, ensure_label, record
from catalog.reconcile import Report, reconcile
from catalog.search import search_images
from catalog.shards import write_shard
from tests.catalog.index.made import embeddings, eventually
from tests.catalog.index.world import World


def fill(world: World) -> None:
    """30 pictures in 3 shards, indexed; ten of them with a label."""
    world.ingest([f"cats/{n}" for n in range(10)] + [str(n) for n in range(10, 30)], chunk=10)
    world.work()


def compare(world: World, *, repair: bool = False) -> Report:
    return reconcile(world.ledger, world.store, world.index, encoder_id=world.encoder.id, repair=repair)


def answers(world: World) -> list[tuple[int, float]]:
    found = search_images(world.ledger, world.index, encoder=world.encoder, vectors=world.vectors[3], k=30)
    return [(hit.image_id, round(hit.score, 4)) for hit in found.hits]


def shard_keys(world: World) -> list[str]:
    return sorted(world.store.list("shards"))


def test_nothing_differs(lite_world: World) -> None:
    fill(lite_world)
    report = compare(lite_world)
    assert report == Report(images=30)
    assert report.clean
    assert compare(lite_world, repair=True).clean


def test_an_emptied_milvus_is_refilled_from_the_shards(world: World) -> None:
    fill(world)
    eventually(lambda: len(answers(world)), 30)
    before = answers(world)
    copies = world.copy(range(1, 31))
    files = {key: world.store.mtime(key) for key in shard_keys(world)}
    world.index.drop(world.encoder.collection)
    assert compare(world).missing_in_index == 30
    report = compare(world, repair=True)
    assert (report.missing_in_index, report.mended, report.to_embed) == (30, 30, 0)
    eventually(lambda: answers(world), before)
    assert world.copy(range(1, 31)) == copies
    assert files == {key: world.store.mtime(key) for key in shard_keys(world)}
    assert compare(world).clean


def test_rows_too_few_and_too_many(world: World) -> None:
    fill(world)
    collection = world.encoder.collection
    world.index.delete(collection, [4, 11])
    world.index.upsert(collection, ids=np.array([7001, 7002]), vectors=embeddings(2), labels=[()] * 2, sources=[()] * 2)
    with world.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE image SET deleted_at = 1 WHERE id = 30")
    report = compare(world)
    assert (report.missing_in_index, report.extra_in_index, report.mended) == (2, 3, 0)
    assert compare(world) == report
    assert compare(world, repair=True).mended == 5
    assert world.index.fetch_ids(collection).tolist() == list(range(1, 30))
    assert compare(world).clean


def test_labels_that_are_old(lite_world: World) -> None:
    fill(lite_world)
    cats = ensure_label(lite_world.ledger, "cats")
    record(lite_world.ledger, key="k", author="me", decisions=[Decision(20, cats.id, "yes")])
    assert compare(lite_world).clean, "the index worker knows of this one"
    with lite_world.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM index_change")
    assert compare(lite_world).stale_labels == 1
    assert compare(lite_world, repair=True).mended == 1
    assert lite_world.copy([20]) == {20: ([cats.id], [1])}
    assert compare(lite_world).clean


def test_a_shard_that_waits_for_the_index_worker_is_no_difference(lite_world: World) -> None:
    fill(lite_world)
    lite_world.ingest(["new"], root="/new", seed=3)
    assert compare(lite_world, repair=True) == Report(images=31)
    lite_world.work()
    assert compare(lite_world) == Report(images=31)


@pytest.mark.parametrize("how", ["gone", "cut", "flipped"])
def test_a_lost_shard_is_embedded_again(lite_world: World, how: str) -> None:
    fill(lite_world)
    keys = shard_keys(lite_world)[:2]
    for key in keys:
        path = lite_world.store.local_path(key)
        assert path is not None
        data = bytearray(path.read_bytes())
        if how == "gone":
            path.unlink()
        elif how == "cut":
            path.write_bytes(data[: len(data) // 2])
        else:
            data[-5] ^= 0x40
            path.write_bytes(data)
    report = compare(lite_world)
    assert (report.missing_shards, report.damaged_shards) == ((2, 0) if how == "gone" else (0, 2))
    assert report.to_embed == 20
    compare(lite_world, repair=True)
    names = [f"cats/{n}" for n in range(10)] + [str(n) for n in range(10, 30)]
    again = lite_world.embed(dict(zip(names, embeddings(30), strict=True)))
    assert len(again) == 20
    assert lite_world.work() >= 20
    assert compare(lite_world) == Report(images=30)
    assert lite_world.index.fetch_ids(lite_world.encoder.collection).tolist() == list(range(1, 31))


def test_shards_of_nobody_are_removed_when_they_are_old(lite_world: World) -> None:
    fill(lite_world)
    written = write_shard(
        lite_world.store,
        encoder_id=lite_world.encoder.id,
        chunk_id=999,
        fence=1,
        image_ids=np.array([1]),
        vectors=embeddings(1),
    )
    assert compare(lite_world).clean, "its chunk may be committed in a moment"
    path = lite_world.store.local_path(written.key)
    assert path is not None
    os.utime(path, (1, 1))
    assert compare(lite_world).orphan_shards == 1
    assert compare(lite_world, repair=True).mended == 1
    assert not path.exists()
    assert len(shard_keys(lite_world)) == 3
