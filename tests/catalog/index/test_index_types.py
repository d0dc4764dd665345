"""Collections of a real Milvus by their settings: what it says that it has, and one that outgrows its first index."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import numpy as np
import pytest

from catalog.index import IndexOptions, IndexUnavailable, VectorIndex
from tests.catalog.index.made import embeddings, eventually, nearest

pytestmark = pytest.mark.milvus


@pytest.fixture
def milvus_index(milvus_url: str) -> Iterator[VectorIndex]:
    """The real server alone, with no setting set."""
    index = VectorIndex(milvus_url)
    yield index
    index.close()


@pytest.fixture
def collection(milvus_index: VectorIndex) -> Iterator[str]:
    """The name of a collection that the test may make."""
    name = f"test_{uuid4().hex[:12]}"
    yield name
    milvus_index.drop(name)


def fill(index: VectorIndex, name: str, vectors: np.ndarray) -> None:
    """Rows with the ids 1, 2, 3 …"""
    ids = np.arange(1, len(vectors) + 1)
    index.upsert(name, ids=ids, vectors=vectors, labels=[()] * len(ids), sources=[(1,)] * len(ids))
    index.settle(name)


def test_settings_are_what_milvus_then_has(milvus_url: str, milvus_index: VectorIndex, collection: str) -> None:
    options = IndexOptions(type="IVF_FLAT", consistency="Strong", shards=2, mmap=True)
    index = VectorIndex(milvus_url, options=options)
    index.ensure_collection(collection, 16)
    assert index.building(collection).type == "IVF_FLAT"
    told = index._connection.call(lambda client: client.milvus.describe_collection(collection))
    assert (told["num_shards"], told["properties"]["mmap.enabled"]) == (2, "true")
    vectors = embeddings(60, dimension=16)
    fill(index, collection, vectors)
    [hits] = index.search(collection, vectors[:1], limit=60)
    assert len(hits.ids) == 60, "Strong: what was written this moment is found"
    milvus_index.ensure_collection(collection, 16)
    assert milvus_index.building(collection).type == "IVF_FLAT", "another's setting does not change what is there"
    index.close()


def test_a_collection_that_grows_gets_a_graph_and_those_who_search_notice_nothing(
    milvus_url: str, milvus_index: VectorIndex, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.index_kinds.SMALL_ROWS", 2000)
    vectors = embeddings(3000)
    milvus_index.ensure_collection(collection, vectors.shape[1])
    assert milvus_index.building(collection).type == "FLAT"
    fill(milvus_index, collection, vectors)
    other = VectorIndex(milvus_url)
    asked = vectors[:20]
    right = [{row + 1 for row in nearest(vectors, one, 10)} for one in asked]

    def found() -> bool:
        return [set(hits.ids.tolist()) for hits in other.search(collection, asked, limit=10)] == right

    eventually(found, True)

    def grown() -> str:
        milvus_index.ensure_collection(collection, vectors.shape[1])  # as the index worker does for each shard
        return milvus_index.building(collection).type

    eventually(grown, "HNSW", within_s=120)
    eventually(found, True)
    milvus_index.ensure_collection(collection, vectors.shape[1])
    assert milvus_index.building(collection).type == "HNSW"
    other.close()


def test_a_collection_that_is_to_be_large_gets_a_graph_at_once(milvus_index: VectorIndex, collection: str) -> None:
    milvus_index.ensure_collection(collection, 8, rows=1_000_000)
    assert milvus_index.building(collection).type == "HNSW"


def test_whoever_asks_while_an_index_is_made_anew_is_told_to_ask_again(
    milvus_url: str, milvus_index: VectorIndex, collection: str
) -> None:
    """Released, and without an index, it cannot be loaded either."""
    vectors = embeddings(20)
    milvus_index.ensure_collection(collection, vectors.shape[1])
    fill(milvus_index, collection, vectors)
    milvus = milvus_index._connection.call(lambda client: client.milvus)
    milvus.release_collection(collection)
    milvus.drop_index(collection, "vector")
    asks = VectorIndex(milvus_url, timeout_s=1.0)
    for ask in (lambda: asks.search(collection, vectors[:1], limit=5), lambda: asks.count(collection)):
        with pytest.raises(IndexUnavailable, match="makes its index anew; ask again soon"):
            ask()
    asks.close()
    milvus_index.ensure_collection(collection, vectors.shape[1])
    assert milvus_index.search(collection, vectors[:1], limit=1)[0].ids.tolist() == [1]
