"""The embedded index ends itself when a write fails half-way, and begins none where there is little room."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from milvus_lite import db
from milvus_lite.db import MilvusLite
from milvus_lite.engine import collection as engine
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema

from deploy import milvus_lite_writes

SCHEMA = CollectionSchema(
    fields=[
        FieldSchema(name="id", dtype=DataType.INT64, is_primary=True),
        FieldSchema(name="vector", dtype=DataType.FLOAT_VECTOR, dim=4),
    ]
)
Install = Callable[..., list[int]]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts the turns in place for one test; returns the exit statuses that the process would have ended with."""
    for name in ("insert", "upsert", "delete", "flush", "close"):
        monkeypatch.setattr(engine.Collection, name, getattr(engine.Collection, name))
    for name in (*milvus_lite_writes._OPENINGS, "close"):
        monkeypatch.setattr(MilvusLite, name, getattr(MilvusLite, name))
    monkeypatch.setattr(engine.Collection, milvus_lite_writes._INSTALLED, False, raising=False)

    def put(**options: Any) -> list[int]:
        ended: list[int] = []
        assert milvus_lite_writes.install(end=ended.append, **options)
        return ended

    return put


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "milvus"


def rows(first: int, count: int = 100) -> list[dict[str, Any]]:
    return [{"id": first + number, "vector": np.full(4, 0.5, np.float32).tolist()} for number in range(count)]


def count(folder: Path) -> int:
    """As a new process finds it."""
    database = MilvusLite(str(folder))
    try:
        return int(database.get_collection("photos").num_entities)
    finally:
        database.close()


def leave(database: MilvusLite) -> None:
    """Let go of the folder as a process that ends does: nothing is flushed."""
    database._release_lock()


def test_a_flush_that_fails_ends_the_process_and_the_log_has_every_row(
    install: Install, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = install()
    database = MilvusLite(str(folder))
    photos = database.create_collection("photos", SCHEMA)
    photos.upsert(rows(1))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "execute_flush", full)
        with pytest.raises(OSError, match="No space"):
            photos.flush()
    assert ended == [milvus_lite_writes.STATUS_FAILED]
    leave(database)
    assert count(folder) == 100


def test_without_it_the_next_flush_deletes_the_log_of_the_one_that_failed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what milvus-lite does by itself."""
    database = MilvusLite(str(folder))
    photos = database.create_collection("photos", SCHEMA)
    photos.upsert(rows(1))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "execute_flush", full)
        with pytest.raises(OSError, match="No space"):
            photos.flush()
    photos.upsert(rows(1001))
    photos.flush()
    leave(database)
    assert count(folder) == 100, "all 200 rows had been acknowledged"


def test_little_room_is_refused_before_anything_is_touched(install: Install, folder: Path) -> None:
    ended = install(least_room=1 << 60)
    database = MilvusLite(str(folder))
    photos = database.create_collection("photos", SCHEMA)
    with pytest.raises(milvus_lite_writes.LittleRoom, match="free some space"):
        photos.upsert(rows(1))
    photos.flush()
    database.close()
    assert ended == []
    assert count(folder) == 0


def opened_by_two(folder: Path, monkeypatch: pytest.MonkeyPatch, *, patience_s: float) -> tuple[Any, Any]:
    """What a search and a write get that come together, right after a restart; each waits so long for the other."""
    first = MilvusLite(str(folder))
    first.create_collection("photos", SCHEMA).upsert(rows(1))
    leave(first)
    database = MilvusLite(str(folder))
    opening, together = db.Collection, threading.Barrier(2, timeout=patience_s)

    def slow(*arguments: Any, **options: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):  # nobody else is let in here
            together.wait()
        return opening(*arguments, **options)

    monkeypatch.setattr(db, "Collection", slow)
    with ThreadPoolExecutor(2) as people:
        one, other = people.map(database.get_collection, ["photos", "photos"])
    leave(database)
    return one, other


def test_a_collection_is_opened_once_however_many_ask_for_it(
    install: Install, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    one, other = opened_by_two(folder, monkeypatch, patience_s=1)
    assert one is other


def test_without_it_each_opens_the_collection_for_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what one of the two writes is forgotten."""
    one, other = opened_by_two(folder, monkeypatch, patience_s=60)
    assert one is not other
