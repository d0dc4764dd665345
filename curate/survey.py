"""Scores every undecided image of a label by a ranking, reading the shards and not the index."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sqlalchemy import select

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter, conditions
from catalog.shards import read_shard
from catalog.standing import rivals
from catalog.tables import image, shard
from curate.paging import Ids
from curate.ranker import Ranking, Scores


class Survey(NamedTuple):
    """Undecided images (n,), ascending, and their log odds (n,) of being of the label."""

    ids: Ids
    log_odds: Scores


def survey(ledger: Ledger, store: ArtifactStore, ranking: Ranking, *, encoder_id: str, label_id: int) -> Survey:
    """Score all images that the encoder has embedded and that nobody has decided; a pass over its shards.

    Raises UnknownLabel, ArtifactMissing, ShardDamaged.
    """
    wanted = SearchFilter(undecided=label_id, none_of=rivals(ledger, label_id))
    with ledger.read() as connection:
        there = np.fromiter(connection.scalars(conditions(select(image.c.id), wanted)), np.int64)
        keys = list(connection.scalars(select(shard.c.key).where(shard.c.encoder_id == encoder_id)))
    there.sort()
    ids, odds = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for key in keys:
        content = read_shard(store, key)
        at = np.searchsorted(there, content.ids)
        mine = at < len(there)
        mine[mine] = there[at[mine]] == content.ids[mine]
        if mine.any():
            ids.append(content.ids[mine])
            odds.append(ranking.scores(content.vectors[mine]))
    # A repair may leave a row in two shards for a while.
    unique, first = np.unique(np.concatenate(ids), return_index=True)
    return Survey(unique, np.concatenate(odds)[first].astype(np.float32))
