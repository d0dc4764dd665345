"""Memory of each part of a running Ruiji over time, and by how much it has grown."""

from __future__ import annotations

import contextlib
import statistics
import threading
from collections import defaultdict
from pathlib import Path

from bench.stack import Stack
from bench.under_fire.world import PARTS

# The index server holds the vectors: it grows with what is ingested, as it must.
HOLDS_DATA = "index server"


class MemoryWatch(threading.Thread):
    """Looks every few seconds. Memory that processes share counts in shares (PSS), so that the parts add up."""

    def __init__(self, stack: Stack, *, every_s: float) -> None:
        super().__init__(name="memory", daemon=True)
        self._stack, self._every_s = stack, every_s
        self._ended = threading.Event()
        self.seen_mb: dict[str, list[float]] = defaultdict(list)

    def run(self) -> None:
        """Look until told to end."""
        while not self._ended.wait(self._every_s):
            sums: dict[str, float] = defaultdict(float)
            for pid, line in self._stack.processes().items():
                for part, word in PARTS.items():
                    if word in line:
                        sums[part] += proportional_mb(pid)
            for part, mb in sums.items():
                self.seen_mb[part].append(mb)

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()

    def medians(self, *, warm_up: float) -> dict[str, tuple[float, float]]:
        """Megabytes of each part after the first `warm_up` (share) of the run, and at its end; a tenth of it each."""
        found = {}
        for part, seen in sorted(self.seen_mb.items()):
            tenth, first = max(1, len(seen) // 10), int(len(seen) * warm_up)
            found[part] = (statistics.median(seen[first : first + tenth]), statistics.median(seen[-tenth:]))
        return found


def proportional_mb(pid: int) -> float:
    """PSS of a process; 0 of one that has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def growth(medians: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Of each part, as a share of what it had."""
    return {part: after / before - 1 for part, (before, after) in medians.items() if before}
