"""Shards for the index worker, under fences; and notes about rows that are out of date."""

from __future__ import annotations

from catalog.chunks import open_work
from catalog.encoders import get_encoder
from catalog.images import delete_images
from catalog.index_queue import (
    claim_shard,
    drop_changes,
    finish_shard,
    heartbeat_shard,
    index_rows,
    pending_changes,
    shard_images,
)
from catalog.labels import Decision, ensure_label, record
from catalog.ledger import Ledger
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, expire, image_of, ingest, with_source


def test_a_shard_is_one_workers_until_its_lease_ends(any_ledger: Ledger) -> None:
    ingest(any_ledger, with_source(any_ledger), {b"a": "A", b"b": "B"})
    assert open_work(any_ledger).shards == 1
    first = claim_shard(any_ledger, worker="i", lease_s=60)
    assert first is not None
    assert first.collection == get_encoder(any_ledger, ENCODER).collection == "ruiji_" + "e" * 16
    assert claim_shard(any_ledger, worker="j", lease_s=60) is None
    assert heartbeat_shard(any_ledger, first, lease_s=60)
    expire(any_ledger)
    second = claim_shard(any_ledger, worker="j", lease_s=60, encoder_id=ENCODER)
    assert second is not None
    assert not heartbeat_shard(any_ledger, first, lease_s=60)
    assert not finish_shard(any_ledger, first)
    assert finish_shard(any_ledger, second)
    assert not finish_shard(any_ledger, second)
    assert claim_shard(any_ledger, worker="j", lease_s=60) is None
    assert open_work(any_ledger).shards == 0


def test_shards_of_another_encoder_are_left_alone(any_ledger: Ledger) -> None:
    ingest(any_ledger, with_source(any_ledger), {b"a": "A"})
    assert claim_shard(any_ledger, worker="i", lease_s=60, encoder_id=OTHER_ENCODER) is None


def test_a_shards_images_are_those_whose_vector_it_holds(any_ledger: Ledger) -> None:
    ingest(any_ledger, with_source(any_ledger), {b"a": "A", b"b": "B"})
    shard = claim_shard(any_ledger, worker="i", lease_s=60)
    assert shard is not None
    a, b = image_of(any_ledger, "A"), image_of(any_ledger, "B")
    assert shard_images(any_ledger, shard.id) == [a, b]
    with any_ledger.read() as connection:
        assert shard_images(connection, shard.id) == [a, b]
    delete_images(any_ledger, [a])
    assert shard_images(any_ledger, shard.id) == [b]
    ingest(any_ledger, with_source(any_ledger), {b"a": "A"})
    assert shard_images(any_ledger, shard.id) == []
    assert shard_images(any_ledger, shard.id, with_deleted=True) == [b]


def test_a_change_that_comes_while_the_index_is_written_is_not_lost(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    a = image_of(any_ledger, "A")
    label = ensure_label(any_ledger, "plane")
    record(any_ledger, key="1", author="wei", decisions=[Decision(a, label.id, "yes")])
    read = pending_changes(any_ledger, 10)
    assert [change.image_id for change in read] == [a]
    assert index_rows(any_ledger, [a, 99]).keys() == {a}
    assert index_rows(any_ledger, [a])[a].labels == (label.id,)
    assert index_rows(any_ledger, [a])[a].sources == (source.id,)
    record(any_ledger, key="2", author="wei", decisions=[Decision(a, label.id, "no")])
    drop_changes(any_ledger, [change.id for change in read])
    assert [change.image_id for change in pending_changes(any_ledger, 10)] == [a]
    assert index_rows(any_ledger, [a])[a].labels == ()
    assert open_work(any_ledger).changes == 1
    drop_changes(any_ledger, range(100_000))
    assert pending_changes(any_ledger, 10) == []
