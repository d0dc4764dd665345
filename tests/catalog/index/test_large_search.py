"""Searches in a ledger of 100,000 images cost what their answer costs, and not what the library does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from catalog import search as module
from catalog import tables
from catalog.encoders import get_encoder
from catalog.index import SearchHits, VectorIndex
from catalog.labels import Decision, ensure_label, labelled_images, record
from catalog.ledger import Ledger
from catalog.search import search_images
from catalog.search_filter import SearchFilter, count_indexed
from tests.catalog.steps import steps

ENCODER = "e" * 64


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[Ledger]:
    """100,000 images, all indexed; 60,000 have one label, five a rare one."""
    path = tmp_path_factory.mktemp("large") / "ledger.db"
    shutil.copy(filled, path)
    ledger = Ledger.open(f"sqlite:///{path}")
    with ledger.write() as connection:
        connection.execute(tables.shard.update().values(indexed_at=1.0))
    rare = ensure_label(ledger, "rare").id
    decisions = [Decision(image_id, rare, "yes") for image_id in (70_000, 80_000, 90_000, 98_000, 98_500)]
    record(ledger, key="rare", author="me", decisions=decisions)
    yield ledger
    ledger.close()


def there(ledger: Ledger, most: int = 70, **conditions: Any) -> int:
    return count_indexed(ledger, ENCODER, SearchFilter(**conditions), most)


def test_counting_what_a_rare_label_has_reads_those_alone(large: Ledger) -> None:
    plane, rare = ensure_label(large, "plane").id, ensure_label(large, "rare").id
    assert there(large, label_ids=(rare,)) == 5
    assert there(large, label_ids=(rare,), source_ids=(1,)) == 5
    assert there(large, label_ids=(rare,), source_ids=(2,)) == 0
    assert there(large, label_ids=(plane, rare), most=100_000) == 60_005
    assert there(large, label_ids=(rare,), unlabelled=True) == 0
    assert there(large, source_ids=(2,)) == 0
    assert steps(large, lambda: there(large, label_ids=(rare,))) < 5_000
    assert steps(large, lambda: there(large, source_ids=(2,))) < 5_000


def test_it_is_counted_once_however_often_the_index_is_asked(large: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    asked: list[None] = []
    real = count_indexed

    def counting(*arguments: Any) -> int:
        counted.append(real(*arguments))
        return counted[-1]

    def search(*_: Any, **__: Any) -> list[SearchHits]:
        asked.append(None)
        return [SearchHits(np.zeros(0, np.int64), np.zeros(0, np.float32))]

    monkeypatch.setattr(module, "count_indexed", counting)
    search_images(
        large,
        cast(VectorIndex, SimpleNamespace(search=search)),
        encoder=get_encoder(large, ENCODER),
        vectors=np.array([1, 0, 0, 0], np.float32),
        k=60,
        filter=SearchFilter(label_ids=(ensure_label(large, "rare").id,)),
    )
    assert counted == [5]
    assert len(asked) == 1 + module.LOOKS_AGAIN


def test_the_latest_of_each_label_are_read_without_the_others(large: Ledger) -> None:
    assert len(labelled_images(large, limit_per_label=100)) == 105
    assert steps(large, lambda: labelled_images(large, limit_per_label=100)) < 20_000
