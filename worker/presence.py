"""Presence: a worker's row in the ledger, so that pages and the sweep see who is alive and what it does."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from catalog.ledger import Ledger
from catalog.workers import announce, beat, forget
from worker.pulse import ALIVE_WITHIN_S, touch

__all__ = ["ALIVE_WITHIN_S", "BEAT_S", "FORGET_AFTER_S", "Presence", "worker_name"]

BEAT_S = 4.0
FORGET_AFTER_S = 120.0

logger = logging.getLogger("ruiji.presence")


def worker_name(queue: str) -> str:
    """Unique among all that live: two workers of one queue on one host differ by process id."""
    return f"{queue}@{socket.gethostname()}:{os.getpid()}"


class Presence:
    """Announces this worker, then beats from a thread of its own: a solo worker in mid-task is alive too."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        queue: str,
        device: str,
        sign_of_life: Callable[[], None] | None = None,
        pulse: Path | None = None,
    ) -> None:
        self.name = worker_name(queue)
        self.doing = ""
        self.images = 0
        self._ledger = ledger
        self._queue = queue
        self._device = device
        self._sign_of_life = sign_of_life or (lambda: None)
        self._pulse = pulse
        self._started_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Announce and begin to beat."""
        self._announce()
        self._sign_of_life()
        self._touch()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and take the row away."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=BEAT_S)
        if self._pulse is not None:
            self._pulse.unlink(missing_ok=True)
        try:
            forget(self._ledger, self.name)
        except Exception as error:  # the ledger may be the reason why this worker stops
            logger.warning("could not sign off: %s", error)

    def _announce(self) -> None:
        self._started_at = announce(
            self._ledger,
            name=self.name,
            queues=self._queue,
            host=socket.gethostname(),
            pid=os.getpid(),
            device=self._device,
            started_at=self._started_at,
        )

    def _run(self) -> None:
        while not self._stop.wait(BEAT_S):
            self._beat()

    def _beat(self) -> None:
        # Each on its own, and the broker's first: searches rely on that sign, and a locked ledger may take 30 s.
        failed = False
        for sign in (self._sign_of_life, self._beat_in_ledger):
            try:
                sign()
            except Exception as error:  # a locked ledger or a broker that restarts: the next beat tries again
                failed = True
                logger.warning("heartbeat failed: %s", error)
        if not failed:
            self._touch()

    def _touch(self) -> None:
        if self._pulse is not None:
            touch(self._pulse)

    def _beat_in_ledger(self) -> None:
        """A worker that was stopped for minutes, or cut off from the ledger, has been forgotten meanwhile."""
        if not beat(self._ledger, self.name, doing=self.doing, images=self.images):
            self._announce()
            beat(self._ledger, self.name, doing=self.doing, images=self.images)
