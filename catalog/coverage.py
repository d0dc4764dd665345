"""How much of all that is known an encoder can find: what decides whether it is ready to serve."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from catalog import tables
from catalog.ledger import Ledger


@dataclass(frozen=True)
class Coverage:
    """Images that are there and that any encoder has embedded; those that this one has; those of them in the index.

    An image that no encoder has embedded cannot be found today either: it is no reason to wait.
    """

    images: int
    embedded: int
    indexed: int

    @property
    def lack(self) -> int:
        """Images that have no vector yet."""
        return self.images - self.embedded

    @property
    def complete(self) -> bool:
        """Whether no image would be missing from the answers."""
        return self.indexed == self.images


def coverage(where: Ledger | Connection, encoder_id: str) -> Coverage:
    """Counted at one moment, so that the three numbers can be compared."""
    if isinstance(where, Connection):
        return _count(where, encoder_id)
    with where.read() as connection:
        return _count(connection, encoder_id)


def coverages(ledger: Ledger) -> dict[str, Coverage]:
    """Of every encoder that has embedded anything, by its id, and of the others under "": each has found nothing yet.

    One look at the embeddings for all of them, where `coverage` would look at all images for each.
    """
    image, embedding, shard = tables.image, tables.embedding, tables.shard
    there = embedding.join(image, image.c.id == embedding.c.image_id)
    alive = image.c.deleted_at.is_(None)
    known = select(func.count(embedding.c.image_id.distinct())).select_from(there).where(alive)
    query = (
        select(embedding.c.encoder_id, func.count(), func.count(case((shard.c.indexed_at.is_not(None), 1))))
        .select_from(there.outerjoin(shard, shard.c.id == embedding.c.shard_id))
        .where(alive)
        .group_by(embedding.c.encoder_id)
    )
    with ledger.read() as connection:
        images = int(connection.execute(known).scalar_one())
        found = {one: Coverage(images, int(made), int(held)) for one, made, held in connection.execute(query)}
    return {"": Coverage(images, 0, 0), **found}


def _count(connection: Connection, encoder_id: str) -> Coverage:
    image, embedding, shard = tables.image, tables.embedding, tables.shard
    any_encoder = tables.embedding.alias()
    query = (
        select(
            func.count(image.c.id),
            func.count(embedding.c.image_id),
            func.count(case((shard.c.indexed_at.is_not(None), 1))),
        )
        .select_from(image)
        .outerjoin(embedding, (embedding.c.image_id == image.c.id) & (embedding.c.encoder_id == encoder_id))
        .outerjoin(shard, shard.c.id == embedding.c.shard_id)
        .where(image.c.deleted_at.is_(None), image.c.id.in_(select(any_encoder.c.image_id)))
    )
    return Coverage(*(int(value) for value in connection.execute(query).one()))
