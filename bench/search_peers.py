"""What `ruiji bench search` sets our index beside: pymilvus's insert as its examples show it, and faiss in memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS
from catalog.index_kinds import EF_LEAST, KINDS
from catalog.shards import Ids, Vectors

ROWS_OF_A_CALL = 1000
WAITS_S = 120.0


class RowDicts:
    """pymilvus alone: a list of rows as dicts, ROWS_OF_A_CALL at a time, handed to `MilvusClient.insert`."""

    def __init__(self, url: str) -> None:
        from pymilvus import MilvusClient

        parts = urlsplit(url)
        address = f"http://{parts.hostname}:{parts.port}"
        self._client = MilvusClient(uri=address, token=f"{parts.username}:{parts.password}", dedicated=True)

    def insert(self, name: str, ids: Ids, vectors: Vectors) -> float:
        """Rows (n,), (n, d) with the columns of ours; seconds until the server has taken them all."""
        hints: dict[str, Any] = {**dict.fromkeys(LABEL_FIELDS, 0), **dict.fromkeys(SOURCE_FIELDS, 0), "source_0": 1}
        started = time.perf_counter()
        for first in range(0, len(ids), ROWS_OF_A_CALL):
            rows = [
                {"id": int(ids[at]), "vector": vectors[at], **hints}
                for at in range(first, min(first + ROWS_OF_A_CALL, len(ids)))
            ]
            self._client.insert(name, rows, timeout=WAITS_S)
        return time.perf_counter() - started

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


class Faiss:
    """faiss's HNSW in this process, built and searched with the numbers that ours has."""

    def __init__(self, vectors: Vectors) -> None:
        import faiss

        self._faiss = faiss
        before = anonymous_bytes()
        build = KINDS["HNSW"].build
        self._index = faiss.IndexHNSWFlat(vectors.shape[1], build["M"], faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = build["efConstruction"]
        self._index.hnsw.efSearch = EF_LEAST
        started = time.perf_counter()
        for first in range(0, len(vectors), 50_000):
            self._index.add(np.asarray(vectors[first : first + 50_000]))
        self.build_s = time.perf_counter() - started
        self.memory_bytes = anonymous_bytes() - before

    def ask(self, asked: Vectors, *, k: int) -> tuple[Ids, list[float]]:
        """One after the other, with one thread: ids (q, k), and the milliseconds of each."""
        threads = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)
        found, took = np.empty((len(asked), k), dtype=np.int64), []
        try:
            for number, one in enumerate(asked):
                started = time.perf_counter()
                _, found[number : number + 1] = self._index.search(one[None], k)
                took.append(1000 * (time.perf_counter() - started))
        finally:
            self._faiss.omp_set_num_threads(threads)
        return found, took


def anonymous_bytes() -> int:
    """What this process holds in memory, without what it maps from files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not say how much memory this process holds")
