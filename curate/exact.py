"""Scores images exactly, one by one, from the shards: without the index, its window and its approximations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sqlalchemy import select

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.shards import read_shard
from catalog.tables import shard
from curate.paging import Ids
from curate.ranker import Scores, Vectors


def scored(
    ledger: Ledger,
    store: ArtifactStore,
    *,
    encoder_id: str,
    image_ids: Ids,
    score: Callable[[Vectors], Scores],
) -> tuple[Ids, Scores]:
    """Those of the images (n,) that the encoder has embedded, ascending, and the score of each (n,) float32.

    `image_ids` ascend; `score` takes vectors (m, d). A pass over all shards of the encoder, one in memory at a time:
    0.16 s of one core for 100,000 images of 512 numbers. Raises ArtifactMissing, ShardDamaged.
    """
    with ledger.read() as connection:
        keys = list(connection.scalars(select(shard.c.key).where(shard.c.encoder_id == encoder_id)))
    ids, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for key in keys if len(image_ids) else ():
        content = read_shard(store, key)
        at = np.searchsorted(image_ids, content.ids)
        mine = at < len(image_ids)
        mine[mine] = image_ids[at[mine]] == content.ids[mine]
        if mine.any():
            ids.append(content.ids[mine])
            scores.append(score(content.vectors[mine]))
    # A repair may leave a row in two shards for a while.
    unique, first = np.unique(np.concatenate(ids), return_index=True)
    return unique, np.concatenate(scores)[first].astype(np.float32)
