"""The index worker's steps may run twice, in any order, and while people label."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.artifacts import ArtifactMissing
from catalog.images import delete_images
from catalog.index_queue import claim_shard, index_rows, pending_changes
from catalog.indexing import index_one_shard, refresh_changes, write_rows
from catalog.labels import Decision, ensure_label, record
from catalog.shards import read_shard
from tests.catalog.index.world import World


def label(world: World, image_id: int, name: str = "cat", decision: str = "yes", *, key: str | None = None) -> int:
    """A person's decision."""
    found = ensure_label(world.ledger, name)
    record(
        world.ledger,
        key=key or f"{image_id}-{name}-{decision}",
        author="me",
        decisions=[Decision(image_id, found.id, decision)],  # type: ignore[arg-type]
    )
    return found.id


def test_a_shard_is_indexed_once_or_twice(lite_world: World) -> None:
    ids = lite_world.ingest([f"cats/{n}" for n in range(3)] + ["a", "b"])
    cats = ensure_label(lite_world.ledger, "cats").id
    claimed = claim_shard(lite_world.ledger, worker="w", lease_s=60)
    assert claimed is not None
    for _ in range(2):
        assert index_one_shard(lite_world.ledger, lite_world.store, lite_world.index, claimed) == 5
    assert lite_world.copy(ids) == {**{i: ([cats], [1]) for i in ids[:3]}, **{i: ([], [1]) for i in ids[3:]}}
    assert claim_shard(lite_world.ledger, worker="w", lease_s=60) is None
    assert lite_world.index.count(lite_world.encoder.collection) == 5


def test_a_shard_of_a_deleted_image_does_not_bring_it_back(lite_world: World) -> None:
    ids = lite_world.ingest(["a", "b", "c"])
    delete_images(lite_world.ledger, [ids[1]])
    lite_world.work()
    assert lite_world.index.fetch_ids(lite_world.encoder.collection).tolist() == [ids[0], ids[2]]


def test_labels_reach_the_index_and_leave_it(lite_world: World) -> None:
    ids = lite_world.ingest(["a", "b", "c"])
    lite_world.work()
    cat, dog = label(lite_world, ids[0]), label(lite_world, ids[0], "dog")
    assert lite_world.copy(ids)[ids[0]] == ([], [1])
    assert refresh_changes(lite_world.ledger, lite_world.store, lite_world.index) > 0
    assert refresh_changes(lite_world.ledger, lite_world.store, lite_world.index) == 0
    assert lite_world.copy(ids)[ids[0]] == ([cat, dog], [1])
    rows = lite_world.index.fetch(lite_world.encoder.collection, [ids[0]], vectors=True)
    assert rows.vectors is not None
    assert np.allclose(rows.vectors[0], lite_world.vectors[ids[0]], atol=1e-6)
    label(lite_world, ids[0], "cat", "no")
    delete_images(lite_world.ledger, [ids[2]])
    lite_world.work()
    assert lite_world.copy(ids) == {ids[0]: ([dog], [1]), ids[1]: ([], [1])}


def test_a_label_given_while_its_row_is_written_is_not_lost(lite_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = lite_world.ingest(["a", "b"])
    lite_world.work()
    given: list[int] = []
    upsert = lite_world.index.upsert

    def slow(*args: object, **kwargs: object) -> None:
        """A person decides after the worker has read the state and before Milvus has the row."""
        if len(given) < 2:
            given.append(label(lite_world, ids[0], f"label {len(given)}"))
            with lite_world.ledger.write() as connection:  # and another worker took the note of it
                connection.exec_driver_sql("DELETE FROM index_change")
        upsert(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(lite_world.index, "upsert", slow)
    vectors = np.stack([lite_world.vectors[i] for i in ids])
    write_rows(lite_world.ledger, lite_world.index, lite_world.encoder.collection, ids=np.array(ids), vectors=vectors)
    assert lite_world.copy(ids) == {ids[0]: (given, [1]), ids[1]: ([], [1])}


def test_changes_wait_for_nothing_when_nothing_is_indexed(lite_world: World) -> None:
    ids = lite_world.ingest(["a", "b"])
    cat = label(lite_world, ids[0])
    assert refresh_changes(lite_world.ledger, lite_world.store, lite_world.index) > 0
    assert pending_changes(lite_world.ledger, 10) == []
    lite_world.work()
    assert lite_world.copy(ids) == {ids[0]: ([cat], [1]), ids[1]: ([], [1])}


def test_a_lost_shard_stops_neither_the_queue_nor_other_rows(lite_world: World) -> None:
    first = lite_world.ingest(["a", "b"])
    second = lite_world.ingest(["c"], root="/other", seed=4)
    lite_world.work()
    cat = label(lite_world, first[0])
    label(lite_world, second[0])
    key = next(k for k in lite_world.store.list("shards") if first[0] in read_shard(lite_world.store, k).ids)
    lite_world.store.delete(key)
    lite_world.work()
    assert pending_changes(lite_world.ledger, 10) == []
    assert lite_world.copy([*first, *second]) == {first[0]: ([], [1]), first[1]: ([], [1]), second[0]: ([cat], [2])}
    with lite_world.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE shard SET indexed_at = NULL")
    with pytest.raises(ArtifactMissing, match=key):
        lite_world.work()


def test_sources_of_an_image_in_two_places(lite_world: World) -> None:
    ids = lite_world.ingest(["one/same"], root="/first")
    lite_world.work()
    with lite_world.ledger.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO source (name, root, labels_from_folders, created_at) VALUES ('x', x'2f78', 0, 0)"
        )
        connection.exec_driver_sql(
            "INSERT INTO place (source_id, path, size, mtime_ns, image_id, state) VALUES (2, x'61', 1, 1, 1, 'known')"
        )
        connection.exec_driver_sql("INSERT INTO index_change (image_id) VALUES (1)")
    lite_world.work()
    assert index_rows(lite_world.ledger, ids)[ids[0]].sources == (1, 2)
    assert lite_world.copy(ids)[ids[0]][1] == [1, 2]
