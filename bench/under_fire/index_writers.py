"""Several writers at once in one collection of the embedded index, which is killed and opened again under them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.under_fire.index_server import IndexServer
from catalog.index import IndexUnavailable, VectorIndex, VectorIndexError

DIMENSION = 512
COLLECTION = "photos"
TIMEOUT_S = 60.0


@dataclass
class Writer(threading.Thread):
    """A client of its own; `stored` are the ids of the batches that were acknowledged, one array each."""

    number: int
    url: str
    rows: int
    stop: threading.Event
    stored: list[NDArray[np.int64]] = field(default_factory=list)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(name=f"index writer {self.number}", daemon=True)
        random_ = np.random.default_rng(self.number)
        vectors = random_.normal(size=(self.rows, DIMENSION)).astype(np.float32)
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """A batch after the other; one that was not acknowledged is written again when the server is back."""
        index = VectorIndex(self.url, timeout_s=TIMEOUT_S)
        try:
            for ids in self._ids():
                while not self.stop.is_set():
                    try:
                        self._write(index, ids)
                    except (IndexUnavailable, VectorIndexError):
                        self.stop.wait(0.1)
                        continue
                    self.stored.append(ids)
                    break
                if self.stop.is_set():
                    return
        except BaseException as error:
            self.failure = error
        finally:
            index.close()

    def _write(self, index: VectorIndex, ids: NDArray[np.int64]) -> None:
        labels: list[tuple[int, ...]] = [()] * len(ids)
        index.upsert(COLLECTION, ids=ids, vectors=self.vectors, labels=labels, sources=[(1,)] * len(ids))
        index.settle(COLLECTION)

    def _ids(self) -> Iterator[NDArray[np.int64]]:
        """Ids that no other writer uses."""
        first = self.number * 10**9 + 1
        while True:
            yield np.arange(first, first + self.rows, dtype=np.int64)
            first += self.rows


@dataclass(frozen=True)
class Written:
    """Rows that were acknowledged, and how many of them were gone after a kill; `kills` of the server."""

    acked: int
    lost: int
    kills: int
    batches: int
    reopen_s: list[float]


def write_and_kill(
    folder: Path, *, writers: int, rows: int, kills: int, batches: int, seed: int, in_turn: bool = True
) -> Written:
    """Kill the server `kills` times, each after about `batches` batches more, and count what it holds at the end.

    Not before: while milvus-lite flushes, a query does not see the rows that are on their way into a file. What a kill
    has lost stays lost, for no writer uses an id twice.
    """
    server = IndexServer(folder / "milvus", in_turn=in_turn)
    randomly = random.Random(seed)
    stop = threading.Event()
    people: list[Writer] = []
    reopen_s: list[float] = []
    try:
        server.start()
        index = VectorIndex(server.url, timeout_s=TIMEOUT_S)
        index.ensure_collection(COLLECTION, DIMENSION)
        people = [Writer(number, server.url, rows, stop) for number in range(writers)]
        for one in people:
            one.start()
        for number in range(1, kills + 1):
            _wait_for(people, number * batches)
            time.sleep(randomly.uniform(0.0, 0.2))
            server.kill()
            began = time.monotonic()
            server.start()
            index.ensure_collection(COLLECTION, DIMENSION)
            reopen_s.append(time.monotonic() - began)
        stop.set()
        for one in people:
            one.join(timeout=TIMEOUT_S)
        acked = _acked(people)
        gone = set(acked.tolist()) - set(index.fetch_ids(COLLECTION).tolist())
        index.close()
    finally:
        stop.set()
        server.stop()
    return Written(len(acked), len(gone), kills, sum(len(one.stored) for one in people), reopen_s)


def _acked(people: list[Writer]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *(ids for one in people for ids in list(one.stored))])


def _wait_for(people: list[Writer], batches: int) -> None:
    until = time.monotonic() + 5 * TIMEOUT_S
    while sum(len(one.stored) for one in people) < batches:
        for one in people:
            if one.failure is not None:
                raise RuntimeError(f"{one.name}: {one.failure!r}") from one.failure
        if time.monotonic() > until:
            raise RuntimeError(f"{batches} batches were not written in {5 * TIMEOUT_S:.0f} s")
        time.sleep(0.02)
