"""A search of a collection that is not loaded ends when its time is over, however long each of its calls may take."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from pymilvus import MilvusException

from catalog.index import IndexUnavailable, VectorIndex
from catalog.index_connection import Connection
from tests.catalog.index.made import embeddings

LIMIT_S = 1.0
NOT_LOADED = 101


class SlowMilvus:
    """Takes almost all the time that each call is given, and has never loaded the collection yet."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.given_s = 0.0

    def list_indexes(self, name: str, *, timeout: float) -> list[str]:
        return []

    def load_collection(self, name: str, *, timeout: float, _async: bool) -> None:
        self._take("load", timeout)

    def search(self, name: str, vectors: Any, *, timeout: float, **_: Any) -> Any:
        self._take("search", timeout)
        raise MilvusException(NOT_LOADED, "collection not loaded")

    def _take(self, what: str, timeout: float) -> None:
        self.asked.append(what)
        self.given_s += 0.9 * timeout
        time.sleep(0.9 * timeout)


def test_load_and_searches_share_one_time_limit() -> None:
    index, milvus = VectorIndex("http://127.0.0.1:1", timeout_s=LIMIT_S), SlowMilvus()
    client: Any = SimpleNamespace(milvus=milvus, lite=False, close=lambda: None)
    index._connection = Connection(index.url, lambda: client, failure=MilvusException, timeout_s=LIMIT_S)
    with pytest.raises(IndexUnavailable, match="loads pictures, or makes its index anew; ask again soon"):
        index.search("pictures", embeddings(1), limit=5)
    assert milvus.given_s < 1.6 * LIMIT_S, milvus.asked
    assert milvus.asked == ["search", "load", "search"]
