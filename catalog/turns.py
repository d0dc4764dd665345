"""A turn that one thread has at a time, and for which a few may wait: whoever would be one more is refused at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.user_errors import DoorBusy


class Turns:
    """Of a server's threads, at most `waiting` and the one whose turn it is are held by what takes long."""

    def __init__(self, *, waiting: int) -> None:
        self._places = threading.BoundedSemaphore(1 + waiting)
        self._turn = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for the turn and have it; DoorBusy where enough are waiting."""
        if not self._places.acquire(blocking=False):
            raise DoorBusy
        try:
            with self._turn:
                yield
        finally:
            self._places.release()
