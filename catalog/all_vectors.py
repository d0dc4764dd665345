"""All vectors of an encoder at once, from their shards: what a map, an evaluation or an exact search works on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import Select, func, select

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter, conditions
from catalog.shards import Ids, Vectors, read_rows
from catalog.tables import embedding, encoder, image, shard


def all_vectors(
    ledger: Ledger,
    store: ArtifactStore,
    *,
    encoder_id: str,
    wanted: SearchFilter | None = None,
    most: int | None = None,
    seed: int = 0,
) -> tuple[Ids, Vectors]:
    """Ids (n,), ascending, and vectors (n, d) of the images that are there and meet the conditions.

    Of more than `most` images that many are drawn, by `seed`. Raises ArtifactMissing, ShardDamaged.
    """
    query = _embedded(select(image.c.id, embedding.c.shard_id, embedding.c.row), encoder_id, wanted)
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(image.c.id)).all()
        keys = dict(connection.execute(select(shard.c.id, shard.c.key).where(shard.c.encoder_id == encoder_id)).all())
        width = connection.execute(select(encoder.c.dimension).where(encoder.c.id == encoder_id)).scalar_one_or_none()
    found = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
    if most is not None and len(found) > most:
        found = found[np.sort(np.random.default_rng(seed).permutation(len(found))[:most])]
    vectors = np.empty((len(found), width or 0), np.float32)
    order = np.argsort(found[:, 1], kind="stable")
    starts = np.flatnonzero(np.diff(found[order, 1], prepend=-1))
    for part in np.split(order, starts[1:]) if len(order) else []:
        vectors[part] = read_rows(store, keys[int(found[part[0], 1])], found[part, 2])
    return found[:, 0], vectors


def count_vectors(ledger: Ledger, *, encoder_id: str, wanted: SearchFilter | None = None) -> int:
    """How many images `all_vectors` would find, if it was not told to draw some."""
    with ledger.read() as connection:
        return int(connection.execute(_embedded(select(func.count()), encoder_id, wanted)).scalar_one())


def _embedded(query: Select[Any], encoder_id: str, wanted: SearchFilter | None) -> Select[Any]:
    joined = query.select_from(image).join(embedding, embedding.c.image_id == image.c.id)
    return conditions(joined.where(embedding.c.encoder_id == encoder_id), wanted or SearchFilter())
