"""The index on both servers: what is written is found, filters, deletes, and nothing bad gets in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import numpy as np
import pytest

from catalog.index import CollectionMismatch, CollectionMissing, IndexFilter, VectorIndex
from catalog.index_filter import MANY
from catalog.shards import InvalidVectors
from tests.catalog.index.made import embeddings, eventually, nearest


def fill(index: VectorIndex, name: str, vectors: np.ndarray, *, labels: list[tuple[int, ...]] | None = None) -> None:
    """Write rows with the ids 1, 2, 3 …; all of source 1, the even ones of source 2 as well."""
    index.ensure_collection(name, vectors.shape[1])
    ids = np.arange(1, len(vectors) + 1)
    index.upsert(
        name,
        ids=ids,
        vectors=vectors,
        labels=labels or [()] * len(vectors),
        sources=[(1, 2) if i % 2 == 0 else (1,) for i in ids.tolist()],
    )
    index.settle(name)


def found(index: VectorIndex, name: str, query: np.ndarray, limit: int, **conditions: object) -> list[int]:
    hits = index.search(name, query[None], limit=limit, filter=IndexFilter(**conditions))  # type: ignore[arg-type]
    return [int(image_id) for image_id in hits[0].ids]


def test_search_agrees_with_exact_search(index: VectorIndex, collection: str) -> None:
    vectors = embeddings(3000, dimension=128)
    far = sorted(row + 1 for row in nearest(vectors, vectors[0], 3000)[-5:])
    fill(index, collection, vectors, labels=[(3,) if row + 1 in far else () for row in range(3000)])
    eventually(lambda: len(found(index, collection, vectors[0], 3000)), 3000)
    queries = embeddings(40, seed=3, dimension=128)
    hits = index.search(collection, queries, limit=60)
    agreed = [
        len({row + 1 for row in nearest(vectors, query, 10)} & set(hit.ids[:10].tolist()))
        for query, hit in zip(queries, hits, strict=True)
    ]
    assert sum(agreed) >= 0.99 * 10 * len(queries)
    assert all(hit.ids.dtype == np.int64 and hit.scores.dtype == np.float32 for hit in hits)
    assert all((np.diff(hit.scores) <= 0).all() and len(hit.ids) == 60 for hit in hits)
    assert np.allclose(hits[0].scores[0], vectors[hits[0].ids[0] - 1] @ queries[0], atol=1e-4)
    assert sorted(found(index, collection, vectors[0], 60, labels_any=(3,))) == far, "a filter hides what is far away"


@pytest.fixture(scope="module")
def labelled(index: VectorIndex) -> Iterator[str]:
    """A collection of 12 rows that no test changes."""
    name = f"test_{uuid4().hex[:12]}"
    labels: list[tuple[int, ...]] = [(), (7,), (8,), (7, 8), (5, 6, 7, 8), (1, 2, 3, 4, 9), *[()] * 6]
    fill(index, name, embeddings(12), labels=labels)
    eventually(lambda: len(found(index, name, embeddings(1)[0], 100)), 12)
    yield name
    index.drop(name)


def test_filters(index: VectorIndex, labelled: str) -> None:
    def ask(**conditions: object) -> list[int]:
        return sorted(found(index, labelled, embeddings(1)[0], 100, **conditions))

    assert ask() == list(range(1, 13))
    assert ask(labels_any=(7,)) == [2, 4, 5, 6]  # 6 has more labels than columns: the ledger will say
    assert ask(labels_any=(9,)) == [6]
    assert ask(labels_any=(7, 8), sources=(2,)) == [2, 4, 6]
    assert ask(unlabelled=True) == [1, 7, 8, 9, 10, 11, 12]
    assert ask(labelled=True) == [2, 3, 4, 5, 6]
    assert ask(sources=(2,)) == [2, 4, 6, 8, 10, 12]
    assert ask(unlabelled=True, exclude=(1, 7)) == [8, 9, 10, 11, 12]
    assert ask(labels_any=(9,), also=(1, 2)) == [1, 2, 6]
    assert ask(sources=(999,)) == []


def test_rows_are_replaced_and_deleted(index: VectorIndex, collection: str) -> None:
    vectors = embeddings(50)
    fill(index, collection, vectors)
    eventually(lambda: found(index, collection, vectors[2], 1), [3])
    moved = embeddings(1, seed=9)
    for _ in range(2):
        index.upsert(collection, ids=np.array([7]), vectors=moved, labels=[(4,)], sources=[(1, 2, 3)])
    index.delete(collection, [3, 4, 999])
    index.delete(collection, [])
    index.settle(collection)
    rows = index.fetch(collection, [7, 8, 999], vectors=True)
    assert rows.ids.tolist() == [7, 8]
    assert rows.labels.tolist() == [[4, 0, 0, 0], [0, 0, 0, 0]]
    assert rows.sources.tolist() == [[MANY, 1], [1, 2]]
    assert rows.vectors is not None
    assert np.allclose(rows.vectors[0], moved[0], atol=1e-6)
    assert index.count(collection) == 48
    assert index.fetch_ids(collection).tolist() == [i for i in range(1, 51) if i not in (3, 4)]
    eventually(lambda: found(index, collection, moved[0], 1), [7])
    eventually(lambda: 3 in found(index, collection, vectors[2], 50), False)


def test_all_ids_are_read_past_the_limit_of_one_query(
    index: VectorIndex, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.index.MOST_HITS", 700)
    ids = np.concatenate([np.arange(1, 1701), np.arange(5_000_000, 5_000_301), [2**62]])
    vectors = np.tile(np.eye(4, dtype=np.float32), (len(ids) // 4 + 1, 1))[: len(ids)]
    index.ensure_collection(collection, 4)
    index.upsert(collection, ids=ids, vectors=vectors, labels=[()] * len(ids), sources=[(1,)] * len(ids))
    assert np.array_equal(index.fetch_ids(collection), ids)


@pytest.mark.parametrize(
    "damage", [lambda v: v * 2, lambda v: v * np.nan, lambda v: v * np.inf, lambda v: v * 0, lambda v: v.astype(float)]
)
def test_bad_vectors_never_reach_milvus(
    index: VectorIndex, labelled: str, damage: Callable[[np.ndarray], np.ndarray]
) -> None:
    good = embeddings(3)
    with np.errstate(invalid="ignore"):
        bad = np.concatenate([good[:2], damage(good[2:])])
    with pytest.raises(InvalidVectors, match=r"1 of 3|float32"):
        index.upsert(labelled, ids=np.array([1, 2, 99]), vectors=bad, labels=[(1,)] * 3, sources=[()] * 3)
    with pytest.raises(InvalidVectors):
        index.search(labelled, bad, limit=3)
    rows = index.fetch(labelled, [1, 2, 99])
    assert rows.ids.tolist() == [1, 2]
    assert rows.labels[0].tolist() == [0, 0, 0, 0]


def test_bad_arguments(index: VectorIndex, labelled: str) -> None:
    one = embeddings(1)
    with pytest.raises(ValueError, match="differ in length"):
        index.upsert(labelled, ids=np.array([1, 2]), vectors=one, labels=[()], sources=[()])
    with pytest.raises(ValueError, match="twice"):
        index.upsert(labelled, ids=np.array([1, 1]), vectors=embeddings(2), labels=[()] * 2, sources=[()] * 2)
    for limit in (0, 16_385):
        with pytest.raises(ValueError, match="limit"):
            index.search(labelled, one, limit=limit)
    with pytest.raises(ValueError, match="collection"):
        index.count("x; drop")
    assert index.search(labelled, one[:0], limit=3) == []


def test_a_collection_that_is_not_there(index: VectorIndex, collection: str) -> None:
    one = embeddings(1)
    for act in (
        lambda: index.search(collection, one, limit=3),
        lambda: index.fetch_ids(collection),
        lambda: index.count(collection),
        lambda: index.delete(collection, [1]),
        lambda: index.upsert(collection, ids=np.array([1]), vectors=one, labels=[()], sources=[()]),
    ):
        with pytest.raises(CollectionMissing, match=f"{collection}.*doctor"):
            act()
    index.drop(collection)


def test_a_collection_of_another_kind_is_named(index: VectorIndex, collection: str) -> None:
    index.ensure_collection(collection, 8)
    index.ensure_collection(collection, 8)
    with pytest.raises(CollectionMismatch, match="8 numbers, not 16"):
        index.ensure_collection(collection, 16)


def test_a_collection_made_again_is_used_by_a_client_of_the_first(
    index: VectorIndex, index_url: str, collection: str
) -> None:
    fill(index, collection, embeddings(5))
    other = VectorIndex(index_url)
    other.drop(collection)
    fill(other, collection, embeddings(9))
    fill(index, collection, embeddings(11))
    assert index.count(collection) == 11
    eventually(lambda: len(found(index, collection, embeddings(1)[0], 20)), 11)
    other.close()


def test_making_a_collection_at_the_same_time(index_url: str, index: VectorIndex, collection: str) -> None:
    failures: list[Exception] = []
    together = threading.Barrier(4)

    def make() -> None:
        mine = VectorIndex(index_url)
        mine.ready()
        together.wait()
        try:
            mine.ensure_collection(collection, 8)
            mine.search(collection, np.eye(8, dtype=np.float32)[:1], limit=1)
        except Exception as error:
            failures.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    fill(index, collection, embeddings(3, dimension=8))
    assert index.count(collection) == 3
