"""Which images an encoder has embedded, and where the vector of each is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, func, select

from catalog import tables
from catalog.kept_statements import rows_from
from catalog.ledger import Ledger
from catalog.statements import any_of, built_once, given_texts, packed

DENSE = 20  # ids for each image wanted: below that, all of them are looked at
DRAWS = 8  # enough unless nearly all images were deleted, or are of another encoder only


@dataclass(frozen=True)
class Seen:
    """Of some files, by sha256: the images of those that an encoder has embedded, and which have a thumbnail."""

    embedded: dict[str, int]
    with_thumbnail: set[str]


NOTHING = Seen(embedded={}, with_thumbnail=set())


def seen_before(ledger: Ledger, *, encoder_id: str, sha256s: Iterable[str]) -> Seen:
    """What is known of these files: one look for both, as an ingest takes it for every batch."""
    with ledger.read() as connection:
        asked = {"encoder": encoder_id, "given": packed(connection, sha256s)}
        rows = rows_from(connection, _seen(connection), asked)
    return Seen(
        embedded={sha256: image_id for sha256, image_id, _ in rows if image_id is not None},
        with_thumbnail={sha256 for sha256, _, thumbnail in rows if thumbnail},
    )


@built_once
def _seen(connection: Connection) -> Select[Any]:
    image, embedding = tables.image, tables.embedding
    by = (embedding.c.image_id == image.c.id) & (embedding.c.encoder_id == bindparam("encoder"))
    columns = (image.c.sha256, embedding.c.image_id, image.c.thumbnail_pack.is_not(None))
    return select(*columns).outerjoin(embedding, by).where(image.c.sha256.in_(given_texts(connection)))


def known_hashes(ledger: Ledger, *, encoder_id: str, sha256s: Iterable[str]) -> dict[str, int]:
    """sha256 -> image id, of those files whose image this encoder has embedded."""
    return seen_before(ledger, encoder_id=encoder_id, sha256s=sha256s).embedded


def locate(ledger: Ledger, *, encoder_id: str, image_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """Image id -> (shard key, row), of those images that this encoder has embedded."""
    embedding, shard = tables.embedding, tables.shard
    with ledger.read() as connection:
        query = (
            select(embedding.c.image_id, shard.c.key, embedding.c.row)
            .join(shard, shard.c.id == embedding.c.shard_id)
            .where(embedding.c.encoder_id == encoder_id, embedding.c.image_id.in_(any_of(connection, image_ids)))
        )
        return {image_id: (key, row) for image_id, key, row in connection.execute(query)}


def alive(ledger: Ledger, *, encoder_id: str, image_ids: Iterable[int]) -> set[int]:
    """Those of the images that are there and have a vector of this encoder: the ones that its collection may hold."""
    embedding, image = tables.embedding, tables.image
    with ledger.read() as connection:
        query = (
            select(image.c.id)
            .join(embedding, embedding.c.image_id == image.c.id)
            .where(embedding.c.encoder_id == encoder_id, image.c.deleted_at.is_(None))
            .where(image.c.id.in_(any_of(connection, image_ids)))
        )
        return set(connection.scalars(query))


def random_embedded(ledger: Ledger, encoder_id: str, *, count: int, random: np.random.Generator) -> list[int]:
    """Up to `count` different images that are there and that this encoder has embedded, each as likely as any other."""
    with ledger.read() as connection:
        first, last = connection.execute(select(func.min(tables.image.c.id), func.max(tables.image.c.id))).one()
    if first is None:
        return []
    if last - first < DENSE * count:
        found = sorted(alive(ledger, encoder_id=encoder_id, image_ids=range(first, last + 1)))
        return [found[at] for at in random.permutation(len(found))[:count]]
    drawn: dict[int, None] = {}
    for _ in range(DRAWS):
        ids = random.integers(first, last, size=2 * count, endpoint=True).tolist()
        there = alive(ledger, encoder_id=encoder_id, image_ids=ids)
        drawn.update((image_id, None) for image_id in ids if image_id in there)
        if len(drawn) >= count:
            break
    return list(drawn)[:count]


def embedded_count(ledger: Ledger, encoder_id: str) -> int:
    """How many images that are there this encoder has embedded."""
    embedding, image = tables.embedding, tables.image
    query = (
        select(func.count())
        .select_from(embedding)
        .join(image, image.c.id == embedding.c.image_id)
        .where(embedding.c.encoder_id == encoder_id, image.c.deleted_at.is_(None))
    )
    with ledger.read() as connection:
        return int(connection.execute(query).scalar_one())
