"""A ledger that knows how long its transactions took, of the processor and by the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from catalog.ledger import Ledger


@dataclass
class Meter:
    """What came together so far, from all threads."""

    processor_s: float = 0.0
    clock_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block, in the thread that it is in."""
        processor, clock = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.processor_s += time.thread_time() - processor
                self.clock_s += time.perf_counter() - clock


class MeteredLedger(Ledger):
    """The same ledger; each transaction, with what is done inside it, runs the meter."""

    meter = Meter()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As Ledger's."""
        with self.meter.running(), super().write() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As Ledger's."""
        with self.meter.running(), super().read() as connection:
            yield connection
