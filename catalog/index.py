"""The vector index: the only module that speaks to Milvus, in the words that milvus-lite and Milvus 2.3 share.

Rows are written whole (vector from the shard, labels and sources from the ledger): Milvus 2.3 has no partial update.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from catalog.index_connection import Connection
from catalog.index_errors import (
    CollectionMismatch,
    CollectionMissing,
    CollectionNotLoaded,
    IndexUnavailable,
    VectorIndexError,
)
from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS, IndexFilter, expression, integers
from catalog.index_rows import IndexedRows, SearchHits, batches, hits_of, rows_of
from catalog.shards import Ids, Vectors, check_vectors

__all__ = [
    "MOST_HITS",
    "CollectionMismatch",
    "CollectionMissing",
    "IndexFilter",
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
MOST_IDS = 1000  # ids in one expression
ATTEMPTS = 5  # to make a collection that others make at the same time
SEAL_ROWS = 2048
SLOW_S = 120.0  # making, loading and sealing a collection
FIELDS = (*LABEL_FIELDS, *SOURCE_FIELDS)
# docs/decisions/0005-index-type.md. One list is a plain scan, and faiss's is 8 times faster than milvus-lite's FLAT.
LITE_INDEX = ("IVF_FLAT", {"nlist": 1})
SERVER_INDEX = ("HNSW", {"M": 16, "efConstruction": 200})
# pymilvus pings every 10 s, calls or not; a gRPC server takes that for an attack after a few, milvus-lite's too,
# and ends the connection, at times in the middle of a call. A lost server is noticed by the time limit of each call.
SELDOM_PINGED = {"grpc.keepalive_time_ms": 330_000, "grpc.keepalive_permit_without_calls": False}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class VectorIndex:
    """A Milvus server; safe to share between threads, and connects again by itself."""

    def __init__(self, url: str, *, token: str = "", timeout_s: float = 10.0) -> None:
        """Take the address of a Milvus server, `http://host:port`; connects at the first call."""
        self.url = url
        self._timeout_s = timeout_s
        self._write_timeout_s = max(timeout_s, 60.0)
        self._lite: bool | None = None
        self._unsettled: dict[str, int] = {}  # rows written since the last flush, by collection
        self._connection = Connection(
            url,
            # `dedicated`: pymilvus would share one connection among all clients of this process, a broken one too.
            lambda: MilvusClient(uri=url, token=token, timeout=timeout_s, dedicated=True, grpc_options=SELDOM_PINGED),
            failure=MilvusException,
            timeout_s=timeout_s,
        )

    def ready(self) -> bool:
        """Return True once Milvus answers; raises IndexUnavailable."""
        self._connection.call(lambda client: client.list_collections(timeout=self._timeout_s))
        return True

    def collections(self) -> list[str]:
        """Return the names of all collections."""
        return list(self._connection.call(lambda client: client.list_collections(timeout=self._timeout_s)))

    def ensure_collection(self, name: str, dimension: int) -> None:
        """Make, index and load the collection unless that is done; any number of processes may call this at once.

        Raises CollectionMismatch when a collection of this name has other columns.
        """
        check_name(name)
        for attempt in range(ATTEMPTS):
            try:
                self._connection.call(lambda client: self._ensure(client, name, dimension))
                return
            except CollectionMismatch:
                raise
            except VectorIndexError as error:
                # Another process may be in the middle of it: what it has made is found at the next attempt.
                if attempt == ATTEMPTS - 1 or isinstance(error, IndexUnavailable):
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
        for rows in batches(ids, vectors, labels, sources, size=BATCH):
            self._on(name, partial(MilvusClient.upsert, collection_name=name, data=rows, timeout=self._write_timeout_s))
            self._unsettled[name] = self._unsettled.get(name, 0) + len(rows)

    def delete(self, name: str, ids: Iterable[int]) -> None:
        """Remove rows; ids that are not there are no error."""
        unique = sorted({int(value) for value in ids})
        for start in range(0, len(unique), MOST_IDS):
            wanted = f"id in {integers(unique[start : start + MOST_IDS])}"
            self._on(
                name, partial(MilvusClient.delete, collection_name=name, filter=wanted, timeout=self._write_timeout_s)
            )

    def settle(self, name: str, *, at_least: int = 1) -> None:
        """Have what was written lately searched well, if this object wrote `at_least` rows since the last time.

        Rows not yet in a sealed segment are looked through one by one by milvus-lite (70 µs each), and once they are
        5,000, through a coarse index by Milvus, which then loses results of a filter. So they are flushed before that.
        """
        if self._unsettled.get(name, 0) >= (at_least if self._is_lite() else max(at_least, SEAL_ROWS)):
            # `_async`: not to wait until Milvus has sealed them, 3 seconds; milvus-lite has when it answers.
            self._on(name, lambda client: client.flush(name, timeout=SLOW_S, _async=True))
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
        found = self._on(
            name,
            lambda client: client.search(
                name,
                list(vectors),
                anns_field="vector",
                filter=expression(filter),
                limit=limit,
                output_fields=["id"],  # with none, milvus-lite sends every column, the vectors too
                search_params={"metric_type": "COSINE", "params": self._search_params(limit)},
                consistency_level="Bounded",
                timeout=self._timeout_s,
            ),
        )
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
        self._connection.call(lambda client: client.drop_collection(name, timeout=SLOW_S))

    def point_alias(self, alias: str, name: str) -> None:
        """Let the collection be found under another name too, and no other collection under that name."""
        check_name(alias)
        try:
            self._on(name, lambda client: client.alter_alias(name, alias, timeout=self._timeout_s))
        except IndexUnavailable:
            raise
        except VectorIndexError:  # there is no such alias yet
            self._on(name, lambda client: client.create_alias(name, alias, timeout=self._timeout_s))

    def close(self) -> None:
        """Close the connection; a later call opens another."""
        self._connection.close()

    def _ensure(self, client: MilvusClient, name: str, dimension: int) -> None:
        if not client.has_collection(name, timeout=self._timeout_s):
            schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            for field in FIELDS:
                schema.add_field(field, DataType.INT64)
            client.create_collection(name, schema=schema, consistency_level="Bounded", timeout=SLOW_S)
        else:
            _check_fields(name, client.describe_collection(name, timeout=self._timeout_s), dimension)
        if not client.list_indexes(name, timeout=self._timeout_s):
            kind, parameters = LITE_INDEX if self._is_lite() else SERVER_INDEX
            index = MilvusClient.prepare_index_params()
            # Twice `params`: pymilvus takes one layer off, and milvus-lite reads only what is below the name.
            index.add_index("vector", index_type=kind, metric_type="COSINE", params={"params": parameters})
            client.create_index(name, index, sync=False, timeout=SLOW_S)  # there is nothing to wait for
        client.load_collection(name, timeout=SLOW_S)

    def _search_params(self, limit: int) -> dict[str, int]:
        if self._is_lite():
            return {"nprobe": 1}
        return {"ef": max(256, min(2 * limit, 2 * MOST_HITS))}

    def _is_lite(self) -> bool:
        if self._lite is None:
            version = self._connection.call(lambda client: client.get_server_version(timeout=self._timeout_s))
            self._lite = str(version).startswith("milvus_lite")  # PyPI's real Milvus calls itself 2.3.5-lite
        return self._lite

    def _query(self, name: str, wanted: str, fields: list[str]) -> list[dict[str, Any]]:
        options: dict[str, Any] = {} if fields == ["count(*)"] else {"limit": MOST_HITS}
        # Strong: rows written a moment ago count. It costs 200 ms, and only repair and tests ask.
        return list(
            self._on(
                name,
                lambda client: client.query(
                    name,
                    filter=wanted,
                    output_fields=fields,
                    consistency_level="Strong",
                    timeout=self._write_timeout_s,
                    **options,
                ),
            )
        )

    def _on(self, name: str, action: Callable[[MilvusClient], T]) -> T:
        """Act on a collection; one that is not loaded (after a restart of milvus-lite) is loaded, and asked again."""
        check_name(name)
        try:
            return self._connection.call(action)
        except CollectionNotLoaded:
            self._connection.call(lambda client: client.load_collection(name, timeout=SLOW_S))
            return self._connection.call(action)
        except CollectionMissing as error:
            raise CollectionMissing(name) from error


def check_name(name: str) -> None:
    """Raise ValueError unless this can be a collection's name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} cannot be the name of a Milvus collection")


def _check_fields(name: str, description: dict[str, Any], dimension: int) -> None:
    found = {field["name"]: field for field in description["fields"]}
    if set(found) != {"id", "vector", *FIELDS}:
        raise CollectionMismatch(name, f"its columns are {', '.join(sorted(found))}")
    if int(found["vector"]["params"]["dim"]) != dimension:
        raise CollectionMismatch(name, f"its vectors have {found['vector']['params']['dim']} numbers, not {dimension}")
