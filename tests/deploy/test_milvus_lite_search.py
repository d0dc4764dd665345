"""The faster search of milvus-lite answers as its own does, whatever has been written, deleted and flushed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import milvus_lite
import numpy as np
import pytest
from milvus_lite.db import MilvusLite
from milvus_lite.engine import collection as engine
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema

from deploy import milvus_lite_search

FILTERS = [None, "kind == 1", "kind in [0, 2] and id not in [3, 4, 5]", "kind != 0 or id in [1, 2, 3]", "kind == 99"]


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """milvus-lite's own search, and ours in its place."""
    own = engine.execute_search_with_index
    monkeypatch.setattr(engine, "execute_search_with_index", own)  # put back at the end
    assert milvus_lite_search.install()
    yield [own, engine.execute_search_with_index]


def vectors(count: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


def make(database: MilvusLite) -> Any:
    fields = [
        FieldSchema(name="id", dtype=DataType.INT64, is_primary=True),
        FieldSchema(name="vector", dtype=DataType.FLOAT_VECTOR, dim=16),
        FieldSchema(name="kind", dtype=DataType.INT64),
    ]
    made = database.create_collection("c", CollectionSchema(fields=fields))
    made.create_index("vector", {"index_type": "IVF_FLAT", "metric_type": "COSINE", "params": {"nlist": 1}})
    made.load()
    return made


def alike(own: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    """The same hits; distances not bit by bit, for the background may have built a segment's index between the two."""
    assert [hit["id"] for hit in ours] == [hit["id"] for hit in own]
    assert [hit["entity"] for hit in ours] == [hit["entity"] for hit in own]
    assert np.allclose([hit["distance"] for hit in ours], [hit["distance"] for hit in own], atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_answers(tmp_path: Path, both: list[Any], monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    randomly = random.Random(seed)
    database = MilvusLite(str(tmp_path / "data"))
    made = make(database)
    compared = 0
    for step in range(40):
        ids = randomly.sample(range(1, 400), randomly.randint(1, 60))
        match randomly.choice(["upsert", "upsert", "delete", "flush", "flush and compact"]):
            case "upsert":
                drawn = vectors(len(ids), seed * 1000 + step)
                made.upsert([{"id": i, "vector": v.tolist(), "kind": i % 3} for i, v in zip(ids, drawn, strict=True)])
            case "delete":
                made.delete(ids)
            case "flush":
                made.flush()
            case _:
                made.flush()
                made._wait_for_bg()
        for expression in randomly.sample(FILTERS, 2):
            queries = vectors(2, step).tolist()
            limit = randomly.choice([1, 7, 500])
            answers = []
            for search in both:
                monkeypatch.setattr(engine, "execute_search_with_index", search)
                answers.append(
                    made.search(
                        queries,
                        top_k=limit,
                        metric_type="COSINE",
                        expr=expression,
                        output_fields=["id"],
                        search_params={"nprobe": 1},
                    )
                )
            for own, ours in zip(*answers, strict=True):
                alike(own, ours)
            compared += sum(len(hits) for hits in answers[1])
    assert compared > 1000
    database.close()


def test_other_questions_are_left_to_milvus_lite(
    tmp_path: Path, both: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = MilvusLite(str(tmp_path / "data"))
    made = make(database)
    drawn = vectors(30, 1)
    made.upsert([{"id": i, "vector": v.tolist(), "kind": i % 3} for i, v in enumerate(drawn, 1)])
    made.flush()
    for fields in (["id", "kind"], None, ["vector"]):
        answers = []
        for search in both:
            monkeypatch.setattr(engine, "execute_search_with_index", search)
            answers.append(made.search([drawn[0].tolist()], top_k=5, metric_type="COSINE", output_fields=fields))
        assert len(answers[1][0]) == 5
        alike(answers[0][0], answers[1][0])
    database.close()


def test_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    own = engine.execute_search_with_index
    monkeypatch.setattr(milvus_lite, "__version__", "3.3.0")
    assert not milvus_lite_search.install()
    assert engine.execute_search_with_index is own
