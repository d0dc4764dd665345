"""Compares ledger, shards and index, and mends the difference from what is most durable: ledger, then shards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import delete, select

from catalog import tables
from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.embed_again import embed_again
from catalog.embedded import alive
from catalog.encoders import Encoder, get_encoder, list_encoders
from catalog.index import CollectionMissing, VectorIndex
from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS, columns
from catalog.index_queue import index_rows
from catalog.indexing import put_back, write_rows
from catalog.ledger import Ledger
from catalog.orphans import remove_orphans
from catalog.shards import Ids, Shard, ShardDamaged, Vectors, read_shard
from catalog.statements import any_of

log = logging.getLogger(__name__)
ROWS_AT_ONCE = 2000
FILL_ROWS = 4096  # gathered from many shards: a Milvus takes them in one message
NO_IDS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Report:
    """What differs, in images or files; `to_embed` images lost their vector and need the model, `mended` is all else.

    missing_in_index: images whose shard was indexed and that the index does not have. extra_in_index: rows of no image
    or of a deleted one. stale_labels: rows whose labels or sources are old, and that no worker is going to refresh.
    missing_shards, damaged_shards: of the ledger's. orphan_shards, orphan_packs (of thumbnails),
    orphan_pictures (of hunts): files that no ledger row names.
    """

    images: int = 0
    missing_in_index: int = 0
    extra_in_index: int = 0
    missing_shards: int = 0
    damaged_shards: int = 0
    orphan_shards: int = 0
    orphan_packs: int = 0
    orphan_pictures: int = 0
    stale_labels: int = 0
    to_embed: int = 0
    mended: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing differed."""
        return self == Report(images=self.images)

    def __add__(self, other: Report) -> Report:
        """The sum of two reports."""
        return Report(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def reconcile(
    ledger: Ledger, store: ArtifactStore, index: VectorIndex, *, encoder_id: str | None = None, repair: bool
) -> Report:
    """Compare one encoder's shards and collection with the ledger, or every encoder's; mend the difference if asked.

    No model runs. Repair writes to the index: on milvus-lite no index worker may run meanwhile.
    Raises IndexUnavailable.
    """
    index.ready()
    encoders = list_encoders(ledger) if encoder_id is None else [get_encoder(ledger, encoder_id)]
    packs = remove_orphans(ledger, store, "thumbnails", tables.image.c.thumbnail_pack, repair)
    pictures = remove_orphans(ledger, store, "hunts", tables.hunt_example.c.picture, repair)
    report = Report(orphan_packs=packs, orphan_pictures=pictures, mended=(packs + pictures) * repair)
    for encoder in encoders:
        report += Comparison(ledger, store, index, encoder, repair=repair).run()
    return report


@dataclass(frozen=True)
class ShardRow:
    """A shard as the ledger knows it."""

    id: int
    key: str
    sha256: str
    indexed: bool


def not_among(ids: Ids, held: Ids) -> Ids:
    """Those of the ids (n,) that are not in `held` (m,), which ascends: n log m steps, shard after shard."""
    at = np.searchsorted(held, ids)
    there = at < len(held)
    there[there] = held[at[there]] == ids[there]
    return ids[~there]


class Comparison:
    """One encoder's."""

    def __init__(
        self, ledger: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, *, repair: bool
    ) -> None:
        self.ledger = ledger
        self.store = store
        self.index = index
        self.encoder = encoder
        self.repair = repair
        self.filling: list[tuple[Ids, Vectors]] = []  # rows that the index lacks, not yet written
        self.images = 0
        self.lost: set[int] = set()  # whose row goes with their shard, in a comparison that mends nothing

    def run(self) -> Report:
        """Shards first: what cannot be read there is no longer expected in the index."""
        shards = self.shards()
        self.images = self._live_images()
        report = replace(self.orphans(), images=self.images)
        held = self._held()
        wanted: list[Ids] = []
        lost: list[ShardRow] = []
        for shard in shards:
            members = self._members(shard)
            content = self.content(shard, members)
            if isinstance(content, Report):
                report += content
                lost.append(shard)
                if not self.repair:
                    self.lost |= members.keys()
                continue
            wanted.append(np.array(sorted(members), dtype=np.int64))
            if shard.indexed:
                report += self.fill(content, members, held)
        if self.repair:
            self.write()
            self.index.settle(self.encoder.collection)
            if lost:
                self._lose(lost)
        expected = np.concatenate([NO_IDS, *wanted])
        report += self._remove(np.setdiff1d(held, expected))
        return report + self._refresh(np.intersect1d(held, expected))

    def content(self, shard: ShardRow, members: dict[int, int]) -> Shard | Report:
        """The shard, or what its loss amounts to."""
        try:
            content = read_shard(self.store, shard.key, shard.sha256)
            if any(row >= len(content.ids) or content.ids[row] != image_id for image_id, row in members.items()):
                raise ShardDamaged(shard.key, "its images are others than the ledger's")
            return content
        except (ArtifactMissing, ShardDamaged) as error:
            log.warning("%s", error)
            missing = isinstance(error, ArtifactMissing)
            return Report(missing_shards=int(missing), damaged_shards=int(not missing), to_embed=len(members))

    def _lose(self, shards: Sequence[ShardRow]) -> None:
        """Forget lost shards and have their images embedded again."""
        embedding, shard = tables.embedding, tables.shard
        lost = [row.id for row in shards]
        # In one transaction: images that had neither a vector nor a chunk, nobody would ever look for again.
        with self.ledger.write() as connection:
            ids = set(
                connection.scalars(
                    select(embedding.c.image_id).where(embedding.c.shard_id.in_(any_of(connection, lost)))
                )
            )
            connection.execute(delete(embedding).where(embedding.c.shard_id.in_(any_of(connection, lost))))
            connection.execute(delete(shard).where(shard.c.id.in_(any_of(connection, lost))))
            embed_again(connection, self.encoder.id, ids)
        for row in shards:
            self.store.delete(row.key)

    def fill(self, content: Shard, members: dict[int, int], held: Ids) -> Report:
        """Rows of an indexed shard that the index does not have."""
        lost = not_among(np.array(sorted(members), dtype=np.int64), held)
        if len(lost) and self.repair:
            rows = np.array([members[image_id] for image_id in lost.tolist()], dtype=np.int64)
            self.filling.append((content.ids[rows], content.vectors[rows]))
            if sum(len(ids) for ids, _ in self.filling) >= FILL_ROWS:
                self.write()
        return Report(missing_in_index=len(lost), mended=len(lost) * self.repair)

    def write(self) -> None:
        """Write the rows that were found missing."""
        if not self.filling:
            return
        ids, vectors = (np.concatenate(parts) for parts in zip(*self.filling, strict=True))
        self.filling.clear()
        self.index.ensure_collection(self.encoder.collection, vectors.shape[1], rows=self.images)
        write_rows(self.ledger, self.index, self.encoder.collection, ids=ids, vectors=vectors)

    def _remove(self, extra: Ids) -> Report:
        """Rows of nobody. Since the ledger was read, other workers have indexed: what lives by now is none of them."""
        found = 0
        for start in range(0, len(extra), ROWS_AT_ONCE):
            ids = extra[start : start + ROWS_AT_ONCE].tolist()
            nobodys = sorted(set(ids) - self._alive(ids))
            found += len(nobodys)
            if self.repair and nobodys:
                self.index.delete(self.encoder.collection, nobodys)
                put_back(self.ledger, self.store, self.index, self.encoder, self._alive(nobodys))
        return Report(extra_in_index=found, mended=found * self.repair)

    def _alive(self, image_ids: Sequence[int]) -> set[int]:
        return alive(self.ledger, encoder_id=self.encoder.id, image_ids=image_ids) - self.lost

    def _refresh(self, both: Ids) -> Report:
        """Rows whose copy of labels and sources is old; those that the index worker knows of are its business."""
        found = 0
        for start in range(0, len(both), ROWS_AT_ONCE):
            stale: list[int] = []
            ids = both[start : start + ROWS_AT_ONCE].tolist()
            copy = self.index.fetch(self.encoder.collection, ids)
            truth = index_rows(self.ledger, ids)
            waiting = self.waiting(ids)
            for image_id, labels, sources in zip(copy.ids.tolist(), copy.labels, copy.sources, strict=True):
                row = truth[image_id]
                right = columns(row.labels, len(LABEL_FIELDS)) == tuple(labels.tolist())
                right = right and columns(row.sources, len(SOURCE_FIELDS)) == tuple(sources.tolist())
                if not right and image_id not in waiting:
                    stale.append(image_id)
            found += len(stale)
            if self.repair:
                put_back(self.ledger, self.store, self.index, self.encoder, stale)
        if self.repair and found:
            self.index.settle(self.encoder.collection)
        return Report(stale_labels=found, mended=found * self.repair)

    def orphans(self) -> Report:
        """Shards that no row of the ledger names."""
        found = remove_orphans(self.ledger, self.store, f"shards/{self.encoder.id}", tables.shard.c.key, self.repair)
        return Report(orphan_shards=found, mended=found * self.repair)

    def _held(self) -> Ids:
        """The ids in the index; none if there is no such collection."""
        try:
            return self.index.fetch_ids(self.encoder.collection)
        except CollectionMissing:
            return NO_IDS

    def shards(self) -> list[ShardRow]:
        """The encoder's shards, the oldest first."""
        shard = tables.shard
        with self.ledger.read() as connection:
            rows = connection.execute(
                select(shard.c.id, shard.c.key, shard.c.sha256, shard.c.indexed_at)
                .where(shard.c.encoder_id == self.encoder.id)
                .order_by(shard.c.id)
            )
            return [ShardRow(row.id, row.key, row.sha256, row.indexed_at is not None) for row in rows]

    def _members(self, shard: ShardRow) -> dict[int, int]:
        """Image id -> row, for the images that are there."""
        embedding, image = tables.embedding, tables.image
        with self.ledger.read() as connection:
            rows = connection.execute(
                select(embedding.c.image_id, embedding.c.row)
                .join(image, image.c.id == embedding.c.image_id)
                .where(embedding.c.shard_id == shard.id, image.c.deleted_at.is_(None))
            )
            return {int(row.image_id): int(row.row) for row in rows}

    def _live_images(self) -> int:
        embedding, image = tables.embedding, tables.image
        with self.ledger.read() as connection:
            live = select(embedding.c.image_id).join(image, image.c.id == embedding.c.image_id)
            live = live.where(embedding.c.encoder_id == self.encoder.id, image.c.deleted_at.is_(None))
            return len(connection.scalars(live).all())

    def waiting(self, image_ids: Sequence[int]) -> set[int]:
        """Those of the images whose row the index worker is going to refresh."""
        change = tables.index_change
        with self.ledger.read() as connection:
            found = connection.scalars(
                select(change.c.image_id).where(change.c.image_id.in_(any_of(connection, image_ids)))
            )
            return {int(image_id) for image_id in found}
