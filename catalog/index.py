"""The vector index: the only module that speaks to Milvus, in the words that milvus-lite and Milvus 2.3 share.

Rows are written whole (vector from the shard, labels and sources from the ledger): Milvus 2.3 has no partial update.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from pymilvus import MilvusException

from catalog import request_id
from catalog.index_client import IndexClient
from catalog.index_collections import FIELDS, SLOW_S, Building, building_of, check_fields, check_name, ensure, kind_of
from catalog.index_connection import Connection
from catalog.index_errors import (
    CollectionMismatch,
    CollectionMissing,
    CollectionNotLoaded,
    IndexLoginRefused,
    IndexTooOld,
    IndexUnavailable,
    VectorIndexError,
)
from catalog.index_filter import IndexFilter, expression, integers
from catalog.index_kinds import LITE, Kind
from catalog.index_loading import left, load_and_ask
from catalog.index_options import IndexOptions, address_of
from catalog.index_rows import IndexedRows, SearchHits, batches, hits_of, rows_of
from catalog.shards import Ids, Vectors, check_vectors

__all__ = [
    "MOST_HITS",
    "CollectionMismatch",
    "CollectionMissing",
    "IndexFilter",
    "IndexLoginRefused",
    "IndexOptions",
    "IndexTooOld",
    "IndexUnavailable",
    "IndexedRows",
    "SearchHits",
    "VectorIndex",
    "VectorIndexError",
]

T = TypeVar("T")

# Errors are raised, and told once by whoever handles them; pymilvus would print each with its traceback as well.
for _name in ("pymilvus", "pymilvus.milvus_client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

MOST_HITS = 16_384  # Milvus's limit for top-k and for the rows of one query
BATCH = 512  # rows of one upsert: 1 MB at 512 dimensions; milvus-lite answers no query while it takes one in
SERVER_BATCH = 4096  # and for a Milvus, which does
MOST_IDS = 1000  # ids in one expression
ATTEMPTS = 5  # to make a collection that others make at the same time
SEAL_ROWS = 2048


class VectorIndex:
    """A Milvus server; safe to share between threads, and connects again by itself."""

    def __init__(
        self, url: str, *, token: str = "", options: IndexOptions | None = None, timeout_s: float = 10.0
    ) -> None:
        """Take the address of a Milvus server as `index_options.address_of` does; connects at the first call.

        Raises ValueError for what cannot be one.
        """
        address = address_of(url, token=token)
        self.url = address.url
        self._options = options = options or IndexOptions()
        self._timeout_s = timeout_s
        self._write_timeout_s = max(timeout_s, 60.0)
        self._unsettled: dict[str, int] = {}  # rows written since the last flush, by collection
        self._kinds: dict[str, Kind] = {}  # of the collections that were searched
        self._connection = Connection(
            address.url,
            lambda: IndexClient(address, ca_file=options.ca_file, timeout_s=timeout_s),
            failure=MilvusException,
            timeout_s=timeout_s,
            login_given=bool(address.token),
        )

    def ready(self) -> bool:
        """Return True once Milvus answers; raises IndexUnavailable, IndexLoginRefused, IndexTooOld."""
        self.collections()
        return True

    def version(self) -> str:
        """Return what the server calls itself: `v2.5.16`, or `milvus_lite…` for the embedded one."""
        return self._connection.call(lambda client: client.version)

    def collections(self) -> list[str]:
        """Return the names of all collections."""
        return list(self._connection.call(lambda client: client.milvus.list_collections(timeout=self._timeout_s)))

    def ensure_collection(self, name: str, dimension: int, *, rows: int = 0) -> None:
        """Make, index and load the collection unless that is done; any number of processes may call this at once.

        rows: about how many it is going to have, where that is known; one that grows gets another index by itself.
        Raises CollectionMismatch when a collection of this name has other columns.
        """
        check_name(name)
        for attempt in range(ATTEMPTS):
            try:
                self._connection.call(
                    lambda client: ensure(
                        client, name, dimension, options=self._options, rows=rows, timeout_s=self._timeout_s
                    )
                )
                self._kinds.pop(name, None)
                return
            except (CollectionMismatch, IndexLoginRefused, IndexTooOld, IndexUnavailable):
                raise
            except VectorIndexError:
                # Another process may be in the middle of it: what it has made is found at the next attempt.
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.2 * (attempt + 1))

    def upsert(
        self,
        name: str,
        *,
        ids: Ids,
        vectors: Vectors,
        labels: Sequence[tuple[int, ...]],
        sources: Sequence[tuple[int, ...]],
    ) -> None:
        """Write rows, replacing those with the same ids: ids (n,), vectors (n, d) of length 1, labels and sources.

        Raises InvalidVectors before anything is sent. Rows written before an IndexUnavailable stay: write them again.
        """
        check_name(name)
        size = BATCH if self._is_lite() else SERVER_BATCH
        requests = partial(batches, name, ids, vectors, labels, sources, size=size)
        self._on(name, lambda client: client.write(requests(), timeout_s=self._write_timeout_s))
        self._unsettled[name] = self._unsettled.get(name, 0) + len(ids)

    def delete(self, name: str, ids: Iterable[int]) -> None:
        """Remove rows; ids that are not there are no error."""
        unique = sorted({int(value) for value in ids})
        for start in range(0, len(unique), MOST_IDS):
            wanted = f"id in {integers(unique[start : start + MOST_IDS])}"
            delete = partial(_delete, name=name, wanted=wanted, timeout_s=self._write_timeout_s)
            self._on(name, delete)

    def settle(self, name: str, *, at_least: int = 1) -> None:
        """Have what was written lately searched well, if this object wrote `at_least` rows since the last time.

        Rows not yet in a sealed segment are looked through one by one by milvus-lite (70 µs each), and once they are
        5,000, through a coarse index by Milvus, which then loses results of a filter. So they are flushed before that.
        """
        if self._unsettled.get(name, 0) >= (at_least if self._is_lite() else max(at_least, SEAL_ROWS)):
            # `_async`: not to wait until Milvus has sealed them, 3 seconds; milvus-lite has when it answers.
            self._on(name, lambda client: client.milvus.flush(name, timeout=SLOW_S, _async=True))
            self._unsettled[name] = 0

    def search(self, name: str, vectors: Vectors, *, limit: int, filter: IndexFilter | None = None) -> list[SearchHits]:
        """Return the nearest `limit` images by cosine for each query (q, d) of length 1.

        What was written in the last moments may be missing (Bounded consistency; Strong costs 200 ms).
        Raises CollectionMissing, IndexUnavailable.
        """
        check_vectors(vectors)
        if not 1 <= limit <= MOST_HITS:
            raise ValueError(f"limit must be 1 to {MOST_HITS}, not {limit}")
        if not len(vectors):
            return []
        until = time.monotonic() + self._timeout_s  # of all that it takes: who searches holds one of the page's threads
        search = partial(self._search, name=name, vectors=vectors, limit=limit, wanted=expression(filter), until=until)
        found = self._on(name, search, until=until)
        return [hits_of(hits) for hits in found]

    def fetch_ids(self, name: str) -> Ids:
        """Return the ids of all rows, ascending, as of now."""
        found: list[Ids] = []
        # Milvus answers a query with any of the rows that match, MOST_HITS at most: a range that is too full is cut in
        # the middle of what came back.
        ranges = [(-(2**63) + 1, 2**63 - 1)]  # Milvus 2.3 cannot parse the smallest integer
        while ranges:
            low, high = ranges.pop()
            rows = self._query(name, f"id >= {low} and id <= {high}", ["id"])
            ids = np.fromiter((row["id"] for row in rows), np.int64, len(rows))
            if len(ids) < MOST_HITS:
                found.append(ids)
                continue
            middle = int(np.partition(ids, len(ids) // 2)[len(ids) // 2])
            ranges += [(middle, high), (low, middle - 1)]
        return np.unique(np.concatenate(found))

    def fetch(self, name: str, ids: Iterable[int], *, vectors: bool = False) -> IndexedRows:
        """Return the rows of these ids that are there, as of now, in ascending order of id."""
        unique = sorted({int(value) for value in ids})
        fields = [*FIELDS, "vector"] if vectors else list(FIELDS)
        rows: list[dict[str, Any]] = []
        for start in range(0, len(unique), MOST_IDS):
            wanted = f"id in {integers(unique[start : start + MOST_IDS])}"
            rows += self._query(name, wanted, ["id", *fields])
        return rows_of(rows, vectors=vectors)

    def count(self, name: str) -> int:
        """Return the number of rows, as of now."""
        return int(self._query(name, "", ["count(*)"])[0]["count(*)"])

    def drop(self, name: str) -> None:
        """Remove the collection, if it is there."""
        check_name(name)
        self._connection.call(lambda client: client.milvus.drop_collection(name, timeout=SLOW_S))

    def point_alias(self, alias: str, name: str) -> None:
        """Let the collection be found under another name too, and no other collection under that name."""
        check_name(alias)
        try:
            self._on(name, lambda client: client.milvus.alter_alias(name, alias, timeout=self._timeout_s))
        except IndexUnavailable:
            raise
        except VectorIndexError:  # there is no such alias yet
            self._on(name, lambda client: client.milvus.create_alias(name, alias, timeout=self._timeout_s))

    def building(self, name: str) -> Building:
        """Return how far Milvus is with the index of a collection, which it makes by itself, behind searches."""
        return self._on(name, lambda client: building_of(client, name, timeout_s=self._timeout_s))

    def close(self) -> None:
        """Close the connection; a later call opens another."""
        self._connection.close()

    def _search(
        self, client: IndexClient, *, name: str, vectors: Vectors, limit: int, wanted: str, until: float
    ) -> Any:
        kind = LITE if client.lite else self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = kind_of(client, name, timeout_s=left(until)) or Kind("FLAT")
        try:
            return client.milvus.search(
                name,
                list(vectors),
                anns_field="vector",
                filter=wanted,
                limit=limit,
                output_fields=["id"],  # with none, milvus-lite sends every column, the vectors too
                search_params={"metric_type": kind.metric, "params": kind.search(limit)},
                consistency_level=self._options.consistency,
                timeout=self._timeout_s if client.lite else left(until),
                client_request_id=request_id.current(),  # in Milvus's own access log
            )
        except MilvusException as error:
            self._kinds.pop(name, None)  # another process may have given it another index
            if "dim" in str(error.message):
                check_fields(name, client.milvus.describe_collection(name, timeout=self._timeout_s), vectors.shape[1])
            raise

    def _is_lite(self) -> bool:
        return self._connection.call(lambda client: client.lite)

    def _query(self, name: str, wanted: str, fields: list[str]) -> list[dict[str, Any]]:
        options: dict[str, Any] = {} if fields == ["count(*)"] else {"limit": MOST_HITS}
        # Strong: rows written a moment ago count. It costs 200 ms, and only repair and tests ask.
        return list(
            self._on(
                name,
                lambda client: client.milvus.query(
                    name,
                    filter=wanted,
                    output_fields=fields,
                    consistency_level="Strong",
                    timeout=self._write_timeout_s,
                    **options,
                ),
            )
        )

    def _on(self, name: str, action: Callable[[IndexClient], T], *, until: float | None = None) -> T:
        """Act on a collection; one that is not loaded (after a restart) is loaded, and asked again before `until`."""
        check_name(name)
        until = time.monotonic() + self._timeout_s if until is None else until
        try:
            return self._connection.call(action)
        except CollectionNotLoaded:
            return load_and_ask(self._connection, action, name=name, url=self.url, until=until)
        except CollectionMissing as error:
            raise CollectionMissing(name) from error


def _delete(client: IndexClient, *, name: str, wanted: str, timeout_s: float) -> None:
    client.milvus.delete(name, filter=wanted, timeout=timeout_s)
