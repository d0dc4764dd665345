"""What the vector index has still to be told: shards that are not in it yet, and rows that are out of date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from catalog import tables
from catalog.images import LIVE_PLACE
from catalog.ledger import Ledger, clock, writing
from catalog.statements import any_of


@dataclass(frozen=True)
class ClaimedShard:
    """A shard to put into its encoder's collection; finishing counts only under this fence."""

    id: int
    encoder_id: str
    collection: str
    key: str
    sha256: str
    fence: int


@dataclass(frozen=True)
class Change:
    """A note that the index's row of an image is out of date."""

    id: int
    image_id: int


@dataclass(frozen=True)
class IndexRow:
    """What the index shall hold of an image besides its vector: confirmed labels and sources, by id."""

    labels: tuple[int, ...]
    sources: tuple[int, ...]
    deleted: bool


def claim_shard(ledger: Ledger, *, worker: str, lease_s: float, encoder_id: str | None = None) -> ClaimedShard | None:
    """The oldest shard that is not indexed and that nobody works on; None if there is none."""
    shard, encoder = tables.shard, tables.encoder
    with ledger.write() as connection:
        now = clock(connection)
        query = (
            select(shard, encoder.c.collection)
            .join(encoder, encoder.c.id == shard.c.encoder_id)
            .where(shard.c.indexed_at.is_(None), shard.c.lease_until < now)
            .order_by(shard.c.id)
            .limit(1)
        )
        if encoder_id is not None:
            query = query.where(shard.c.encoder_id == encoder_id)
        row = connection.execute(query.with_for_update(of=shard, skip_locked=True, key_share=True)).one_or_none()
        if row is None:
            return None
        connection.execute(
            update(shard)
            .where(shard.c.id == row.id)
            .values(fence=row.fence + 1, lease_until=now + lease_s, worker=worker)
        )
        return ClaimedShard(row.id, row.encoder_id, row.collection, row.key, row.sha256, row.fence + 1)


def heartbeat_shard(ledger: Ledger, claimed: ClaimedShard, *, lease_s: float) -> bool:
    """Prolong the lease; False if the shard is another worker's now."""
    with ledger.write() as connection:
        return _update_claimed(connection, claimed, {"lease_until": clock(connection) + lease_s})


def finish_shard(ledger: Ledger, claimed: ClaimedShard) -> bool:
    """Note that the shard is in the index; False, and nothing written, if it is another worker's now."""
    with ledger.write() as connection:
        return _update_claimed(connection, claimed, {"indexed_at": clock(connection), "lease_until": 0.0})


def shard_images(where: Ledger | Connection, shard_id: int, *, with_deleted: bool = False) -> list[int]:
    """The images whose vector is the one in this shard, in the order of its rows."""
    embedding, image = tables.embedding, tables.image
    query = select(embedding.c.image_id).where(embedding.c.shard_id == shard_id).order_by(embedding.c.row)
    if not with_deleted:
        query = query.join(image, image.c.id == embedding.c.image_id).where(image.c.deleted_at.is_(None))
    if isinstance(where, Connection):
        return list(where.execute(query).scalars())
    with where.read() as connection:
        return list(connection.execute(query).scalars())


def pending_changes(ledger: Ledger, limit: int) -> list[Change]:
    """The oldest notes; an image may have several."""
    table = tables.index_change
    with ledger.read() as connection:
        rows = connection.execute(select(table.c.id, table.c.image_id).order_by(table.c.id).limit(limit))
        return [Change(row.id, row.image_id) for row in rows]


def drop_changes(where: Ledger | Connection, ids: Iterable[int]) -> None:
    """Strike out notes that the index has followed; those that came meanwhile have other ids and stay."""
    table = tables.index_change
    with writing(where) as connection:
        connection.execute(delete(table).where(table.c.id.in_(any_of(connection, ids))))


def index_rows(ledger: Ledger, image_ids: Iterable[int]) -> dict[int, IndexRow]:
    """The present labels and sources of those of the images that exist."""
    image, place, state = tables.image, tables.place, tables.label_state
    ids = list(image_ids)
    labels: dict[int, list[int]] = {}
    sources: dict[int, list[int]] = {}
    with ledger.read() as connection:
        wanted = any_of(connection, ids)
        found = connection.execute(select(image.c.id, image.c.deleted_at).where(image.c.id.in_(wanted))).all()
        for image_id, label_id in connection.execute(
            select(state.c.image_id, state.c.label_id)
            .where(state.c.image_id.in_(wanted), state.c.state == "yes")
            .order_by(state.c.label_id)
        ):
            labels.setdefault(image_id, []).append(label_id)
        for image_id, source_id in connection.execute(
            select(place.c.image_id, place.c.source_id)
            .where(place.c.image_id.in_(wanted), place.c.state.in_(LIVE_PLACE))
            .distinct()
            .order_by(place.c.source_id)
        ):
            sources.setdefault(image_id, []).append(source_id)
    return {
        row.id: IndexRow(tuple(labels.get(row.id, ())), tuple(sources.get(row.id, ())), row.deleted_at is not None)
        for row in found
    }


def _update_claimed(connection: Connection, claimed: ClaimedShard, values: dict[str, float]) -> bool:
    shard = tables.shard
    ours = (shard.c.id == claimed.id, shard.c.fence == claimed.fence, shard.c.indexed_at.is_(None))
    return connection.execute(update(shard).where(*ours).values(**values)).rowcount == 1
