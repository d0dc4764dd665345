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
