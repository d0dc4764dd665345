"""A server that goes away and comes back: a clear error within the time limit, then everything works again."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.milvus_server import MilvusServer
from catalog.index import CollectionMissing, IndexUnavailable, VectorIndex
from tests.catalog.index.made import embeddings, eventually
from tests.servers.milvus_lite import MilvusLite
from tests.servers.ports import free_port

LIMIT_S = 2.0
SLACK_S = 26.0  # of a machine that does other things; pymilvus by itself would try for minutes
LOADING_SLACK_S = 3.0  # less than two limits: load, waiting and the last call share one


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MilvusLite]:
    server = MilvusLite(tmp_path / "milvus")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def index(server: MilvusLite) -> Iterator[VectorIndex]:
    index = VectorIndex(server.url, timeout_s=LIMIT_S)
    yield index
    index.close()


def fill(index: VectorIndex, count: int = 20) -> np.ndarray:
    vectors = embeddings(count)
    index.ensure_collection("pictures", vectors.shape[1])
    ids = np.arange(1, count + 1)
    index.upsert("pictures", ids=ids, vectors=vectors, labels=[()] * count, sources=[(1,)] * count)
    return vectors


def is_ready(index: VectorIndex) -> bool:
    """Whether it answers; a busy machine may need more than the time limit to connect."""
    with contextlib.suppress(IndexUnavailable):
        return index.ready()
    return False


def ask_from_threads(index: VectorIndex, query: np.ndarray, count: int = 40) -> list[BaseException]:
    """Search from many threads at once; returns what was raised."""
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            index.search("pictures", query, limit=5)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_killed_and_started_again_on_the_same_port(server: MilvusLite, index: VectorIndex, tmp_path: Path) -> None:
    vectors = fill(index)
    before = index.search("pictures", vectors[:1], limit=5)[0]
    server.kill()

    started = time.monotonic()
    failures = ask_from_threads(index, vectors[:1])
    assert time.monotonic() - started < 2 * LIMIT_S + SLACK_S, "they waited for each other"
    assert len(failures) == 40
    assert all(isinstance(failure, IndexUnavailable) for failure in failures), failures
    for act in (
        lambda: index.search("pictures", vectors[:1], limit=5),
        lambda: index.upsert("pictures", ids=np.array([1]), vectors=vectors[:1], labels=[()], sources=[()]),
        index.ready,
    ):
        started = time.monotonic()
        with pytest.raises(IndexUnavailable, match=rf"Milvus at {server.url} does not answer.*start it") as raised:
            act()
        assert time.monotonic() - started < LIMIT_S + SLACK_S
        assert "\n" not in str(raised.value)

    server.start()
    eventually(lambda: is_ready(index), True)
    after = index.search("pictures", vectors[:1], limit=5)[0]  # not loaded after a restart: loads it by itself
    assert after.ids.tolist() == before.ids.tolist()
    assert index.count("pictures") == 20
    assert ask_from_threads(index, vectors[:1]) == []

    server.kill()
    server.folder.rename(tmp_path / "lost")
    server.start()
    eventually(lambda: is_ready(index), True)
    with pytest.raises(CollectionMissing, match="doctor"):
        index.search("pictures", vectors[:1], limit=5)
    fill(index, 30)
    assert index.count("pictures") == 30


@pytest.mark.milvus
def test_a_milvus_that_was_killed_keeps_nobody_waiting_while_it_loads(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """That takes it half a minute; whoever searches holds one of the page's threads meanwhile."""
    assert pytestconfig.cache is not None
    server = MilvusServer(tmp_path / "milvus", pytestconfig.cache.mkdir("milvus-2.3.5"))
    try:
        server.start()
        index = VectorIndex(server.url, timeout_s=LIMIT_S)
        vectors = fill(index)
        server.stop()
        server.start()
        waited = []
        until = time.monotonic() + 12
        while time.monotonic() < until:
            started = time.monotonic()
            with contextlib.suppress(IndexUnavailable):
                index.search("pictures", vectors[:1], limit=5)
            waited.append(time.monotonic() - started)
        assert max(waited) < LIMIT_S + LOADING_SLACK_S, waited
        index.close()
    finally:
        server.stop()


def test_no_server_at_all() -> None:
    index = VectorIndex(f"http://127.0.0.1:{free_port()}", timeout_s=LIMIT_S)
    started = time.monotonic()
    with pytest.raises(IndexUnavailable, match="check the address"):
        index.ready()
    assert time.monotonic() - started < LIMIT_S + SLACK_S


def test_a_forked_child_connects_by_itself(milvus_lite_url: str) -> None:
    index = VectorIndex(milvus_lite_url)
    assert index.ready()
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if index.ready() else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert index.ready()
    index.close()
