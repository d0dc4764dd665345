"""Blocks of a batch, a core each: with small tensors, cores that share every operation mostly wait for one another."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


def for_each(work: Callable[[T], None], blocks: Sequence[T]) -> None:
    """Do `work` for every block, on as many cores as torch uses here; the blocks must not depend on one another.

    Each block is computed by one thread whatever the number of cores, so the results do not depend on it. The first
    error of a block is raised.
    """
    cores = min(torch.get_num_threads(), len(blocks))
    if cores < 2:
        for block in blocks:
            work(block)
        return
    for _ in _threads(torch.get_num_threads()).map(work, blocks):
        pass


@functools.cache
def _threads(cores: int) -> ThreadPoolExecutor:
    """Threads that use one core each, all of them started: torch lets later threads begin with the last setting."""
    started = threading.Barrier(cores + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(cores, thread_name_prefix="views", initializer=begin)
    for _ in range(cores):
        pool.submit(lambda: None)
    started.wait()
    torch.set_num_threads(cores)
    return pool
