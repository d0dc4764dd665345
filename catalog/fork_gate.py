"""Lets a process fork only between transactions.

SQLite keeps the locks of a process in that process's memory. A child that is forked while a connection is open believes
that it holds locks which the kernel never gave it, waits for writers that do not exist in it, and may lose commits when
the parent clears the write-ahead log away. With every connection closed at the moment of the fork, it starts clean.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ForkGate:
    """Counts the threads that are in a transaction, and holds new ones back while a fork is about to happen."""

    def __init__(self) -> None:
        """Start open, with nobody inside."""
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()
        self._forks = 0

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Be in a transaction; a thread that is in one already is never held back."""
        me = threading.get_ident()
        with self._changed:
            if not self._inside[me]:
                self._changed.wait_for(lambda: not self._forks)
            self._inside[me] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[me] -= 1
                self._inside += Counter()  # drops what has come to zero
                self._changed.notify_all()

    def close(self, *, timeout_s: float) -> bool:
        """Hold new transactions back and wait for those of other threads; whether there is none left at all."""
        me = threading.get_ident()
        with self._changed:
            self._forks += 1
            self._changed.wait_for(lambda: not self._inside.keys() - {me}, timeout_s)
            return not +self._inside

    def open(self) -> None:
        """Let transactions begin again."""
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()
