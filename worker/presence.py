"""Presence: a worker's row in the ledger, so that pages and the sweep see who is alive and what it does."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from catalog.installation import OtherVersion, check_version
from catalog.ledger import Ledger
from catalog.workers import announce, beat, forget
from worker.broker_errors import explained
from worker.identity import code_version, gpu_name
from worker.pulse import ALIVE_WITHIN_S, touch

__all__ = ["ALIVE_WITHIN_S", "BEAT_S", "FORGET_AFTER_S", "Presence", "worker_name"]

BEAT_S = 4.0
FORGET_AFTER_S = 120.0
RATE_OF_S = 60.0  # a pause or a slow disk shows soon

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
        encoder: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.name = worker_name(queue)
        self.doing = ""
        self.images = 0
        self.refused: OtherVersion | None = None
        self._ledger = ledger
        self._queue = queue
        self._device = device
        self._sign_of_life = sign_of_life or (lambda: None)
        self._pulse = pulse
        self._encoder = encoder
        self._gpu = gpu_name(device)
        self._counts: deque[tuple[float, int]] = deque()
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
            version=code_version(),
            gpu=self._gpu,
        )

    def _run(self) -> None:
        while not self._stop.wait(BEAT_S):
            self._beat()

    def _beat(self) -> None:
        # Each on its own, and the broker's first: searches rely on that sign, and a locked ledger may take 30 s.
        failed = False
        for sign in (self._sign_of_life, self._beat_in_ledger, self._check_version):
            try:
                sign()
            except Exception as error:  # a locked ledger or a broker that restarts: the next beat tries again
                failed = True
                logger.warning("heartbeat failed: %s", explained(error))
        if not failed:
            self._touch()

    def _touch(self) -> None:
        if self._pulse is not None:
            touch(self._pulse)

    def _beat_in_ledger(self) -> None:
        """A worker that was stopped for minutes, or cut off from the ledger, has been forgotten meanwhile."""
        if not self._told():
            self._announce()
            self._told()

    def _told(self) -> bool:
        return beat(
            self._ledger,
            self.name,
            doing=self.doing,
            images=self.images,
            images_per_s=self._rate(),
            encoder_id=self._encoder(),
        )

    def _rate(self) -> float:
        """Images in a second, over the last RATE_OF_S."""
        now = time.monotonic()
        self._counts.append((now, self.images))
        while now - self._counts[0][0] > RATE_OF_S and len(self._counts) > 2:
            self._counts.popleft()
        (since, before), (_, images) = self._counts[0], self._counts[-1]
        return round((images - before) / (now - since), 1) if now - since >= 1 else 0.0

    def _check_version(self) -> None:
        """An installation that was updated under a worker: it hands back what it has, and ends."""
        try:
            check_version(self._ledger)
        except OtherVersion as error:
            if self.refused is None:
                self.refused, self.doing = error, "ending: of another version"
                logger.error("%s", error)
                os.kill(os.getpid(), signal.SIGTERM)
