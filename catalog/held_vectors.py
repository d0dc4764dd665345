"""The vectors of every image that an encoder has embedded, mapped from their shards, to be compared one by one."""

from __future__ import annotations

import threading

from sqlalchemy import select

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.ledger import Ledger
from catalog.shards import Shard, ShardDamaged, map_shard
from catalog.tables import shard

# docs/decisions/0010-hunts-compare-all.md. Past this a pass takes longer than a question to a real Milvus, which such a
# collection needs anyway.
MOST_ROWS = 200_000


class HeldVectors:
    """Keeps the maps of one encoder's shards; safe to share between threads."""

    def __init__(self, ledger: Ledger, store: ArtifactStore, *, most: int = MOST_ROWS) -> None:
        self._ledger, self._store, self._most = ledger, store, most
        self._mapped: tuple[str, dict[str, Shard]] = ("", {})
        self._lock = threading.Lock()

    def of(self, encoder_id: str) -> tuple[Shard, ...] | None:
        """All shards of the encoder as of now, in which a row may be twice for a while after a repair.

        None where they have too many rows, are no files of this machine, or one of them cannot be read: ask the index.
        """
        with self._ledger.read() as connection:
            rows = connection.execute(select(shard.c.key, shard.c.rows).where(shard.c.encoder_id == encoder_id)).all()
        if sum(row.rows for row in rows) > self._most or self._store.local_path("shards") is None:
            return None
        with self._lock:
            of, kept = self._mapped
            known = kept if of == encoder_id else {}
            # The key of a shard names what is in it: one that was written again by a repair holds the same.
            try:
                mapped = {one.key: known.get(one.key) or map_shard(self._store, one.key) for one in rows if one.rows}
            except (ArtifactMissing, ShardDamaged):
                return None
            self._mapped = (encoder_id, mapped)
        return tuple(mapped.values())
