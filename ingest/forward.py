"""The network in a thread of its own: while it runs, the next batch is looked up, stacked and handed over."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from ingest.raster import Pixels

Vectors = NDArray[np.float32]
Embed = Callable[[Pixels], Vectors]
Embedded = tuple[Vectors, float]  # (n, d) and the seconds that it took

_WAITING = 2  # batches on their way: one in the network, one that it finds when it is done


class Forward:
    """Runs `embed` on one batch after the other, in the order of submission."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forward")
        self._on_the_way: deque[Future[Embedded]] = deque()

    def submit(self, pictures: Pixels) -> Future[Embedded]:
        """(n, s, s, 3) uint8; waits while two batches are on their way."""
        while len(self._on_the_way) >= _WAITING:
            wait([self._on_the_way.popleft()])
        future = self._thread.submit(self._run, pictures)
        self._on_the_way.append(future)
        return future

    def close(self) -> None:
        """Ends the thread; batches that have not begun are dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _run(self, pictures: Pixels) -> Embedded:
        started = time.perf_counter()
        vectors = self._embed(pictures)
        if len(vectors) != len(pictures):
            raise ValueError(f"the encoder gave {len(vectors)} vectors for {len(pictures)} pictures")
        return vectors, time.perf_counter() - started
