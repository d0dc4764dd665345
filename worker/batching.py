"""Query micro-batches: one thread that embeds whatever pictures have arrived while it was busy."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.replies import BUSY, NOT_EMBEDDED

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Vectors = np.ndarray[Any, np.dtype[np.float32]]

MOST_IN_BATCH = 32
GATHER_S = 0.002
MOST_WAITING = 1024


@dataclass(frozen=True)
class Embedded:
    """What became of one picture: its vector, (d,), or (n, d) of several; how long it waited and was computed, in ms.

    `batch` pictures went through the encoder together.
    """

    vector: Vectors
    wait_ms: float
    embed_ms: float
    batch: int


@dataclass(frozen=True)
class Failed:
    """A picture that was not embedded: `expired`, `busy` or `internal`."""

    kind: str
    reason: str


@dataclass(frozen=True)
class _Waiting:
    pixels: Pixels
    embed: Callable[[Pixels], Vectors]
    deadline: float
    done: Callable[[Embedded | Failed], None]
    since: float


class Batcher:
    """Pictures with the same embedder go through it together, at most `most` at a time.

    A lone picture is embedded at once. Only when the batch before held several, which tells of many people searching
    at the same moment, does the thread wait up to GATHER_S for more.
    """

    def __init__(self, *, most: int = MOST_IN_BATCH) -> None:
        self._most = most
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="batching", daemon=True)
        self._thread.start()

    def submit(
        self,
        pixels: Pixels,
        *,
        embed: Callable[[Pixels], Vectors],
        deadline: float,
        done: Callable[[Embedded | Failed], None],
    ) -> None:
        """Queue one (s, s, 3) picture, or the (n, s, s, 3) views of one, which stay together.

        `done` is called from the batching thread, `deadline` is seconds since 1970.
        """
        try:
            self._waiting.put_nowait(_Waiting(pixels, embed, deadline, done, time.perf_counter()))
        except queue.Full:
            done(Failed(BUSY, f"{MOST_WAITING} searches are waiting already; try again in a moment"))

    def close(self) -> None:
        """Embed what is waiting, then end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        crowded = False
        while (first := self._waiting.get()) is not None:
            batch, closing = self._gather(first, wait_s=GATHER_S if crowded else 0.0)
            crowded = len(batch) > 1
            self._embed(batch)
            if closing:
                return

    def _gather(self, first: _Waiting, *, wait_s: float) -> tuple[list[_Waiting], bool]:
        batch, until = [first], time.monotonic() + wait_s
        while len(batch) < self._most:
            try:
                left = until - time.monotonic()
                entry = self._waiting.get(timeout=left) if left > 0 else self._waiting.get_nowait()
            except queue.Empty:
                break
            if entry is None:
                return batch, True
            batch.append(entry)
        return batch, False

    def _embed(self, batch: list[_Waiting]) -> None:
        now = time.time()
        for entry in batch:
            if entry.deadline < now:
                entry.done(Failed("expired", "the search waited longer than its time limit"))
        current = [entry for entry in batch if entry.deadline >= now]
        while current:
            # The serving encoder may change between two pictures of a batch: each goes through its own.
            same = [entry for entry in current if entry.embed == current[0].embed]
            current = [entry for entry in current if entry.embed != same[0].embed]
            started = time.perf_counter()
            try:
                rows = [entry.pixels if entry.pixels.ndim == 4 else entry.pixels[None] for entry in same]
                vectors = same[0].embed(np.concatenate(rows))
            except Exception as error:  # one bad batch must not end the thread that all queries need
                for entry in same:
                    entry.done(Failed(NOT_EMBEDDED, f"the picture could not be embedded: {error}"))
                continue
            took = (time.perf_counter() - started) * 1000
            parts = np.split(vectors, np.cumsum([len(some) for some in rows])[:-1])
            for entry, part in zip(same, parts, strict=True):
                vector = part if entry.pixels.ndim == 4 else part[0]
                entry.done(Embedded(vector, (started - entry.since) * 1000, took, len(vectors)))
