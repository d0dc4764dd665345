"""Keeps a lease alive from a thread while the work that it covers is being done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

logger = logging.getLogger("ruiji.lease")

Status = TypeVar("Status")


class LeaseKeeper(Generic[Status]):
    """Calls `renew` every third of a lease and keeps its last answer, which the work reads between its steps.

    A renewal that fails (a locked ledger, a lost connection) keeps the last answer: the lease may run out, and then
    the fence refuses the result; the work itself need not know.
    """

    def __init__(self, renew: Callable[[], Status], *, lease_s: float, first: Status) -> None:
        self.status = first
        self._renew = renew
        self._pause = lease_s / 3
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # Short pauses for short work: a pause or cancel is seen within a second, whatever the lease.
        while not self._stop.wait(min(self._pause, 1.0)):
            try:
                self.status = self._renew()
            except Exception as error:
                logger.warning("lease not renewed: %s", error)
