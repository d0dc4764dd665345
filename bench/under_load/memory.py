"""Memory of each part of a running Ruiji over time, and by how much it has grown: its own, and pages of files.

Judged is its own: what it has allocated, which stays until it lets go. Pages of files that it has mapped (programs, the
shards of vectors) lie in the system's cache, which takes them back when memory is short, and count as long as nobody
wants it: they are told beside. Memory that processes share counts in shares (PSS), so that the parts add up.
"""

from __future__ import annotations

import statistics
import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.stack import Stack
from bench.under_fire.world import PARTS

# The index server grows until 128 MB of rows wait in memory, and is back where it was when it has written them out.
HOLDS_DATA = "index server"


Medians = dict[str, tuple[float, float]]


class Memory(NamedTuple):
    """Megabytes of a process."""

    own: float
    mapped: float

    def plus(self, other: Memory) -> Memory:
        """Of both."""
        return Memory(self.own + other.own, self.mapped + other.mapped)


class MemoryWatch(threading.Thread):
    """Looks every few seconds."""

    def __init__(self, stack: Stack, *, every_s: float) -> None:
        super().__init__(name="memory", daemon=True)
        self._stack, self._every_s = stack, every_s
        self._ended = threading.Event()
        self.seen: dict[str, list[Memory]] = defaultdict(list)

    def run(self) -> None:
        """Look until told to end."""
        while not self._ended.wait(self._every_s):
            sums: dict[str, Memory] = {}
            for pid, line in self._stack.processes().items():
                for part, word in PARTS.items():
                    if word in line:
                        sums[part] = memory_of(pid).plus(sums.get(part, Memory(0.0, 0.0)))
            for part, memory in sums.items():
                self.seen[part].append(memory)

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()

    def own(self, *, warm_up: float) -> Medians:
        """Each part's own megabytes after the first `warm_up` (share) of the run, and at its end; of a tenth each."""
        return {part: medians([one.own for one in seen], warm_up=warm_up) for part, seen in sorted(self.seen.items())}

    def mapped(self, *, warm_up: float) -> Medians:
        """The same of the pages of files."""
        return {
            part: medians([one.mapped for one in seen], warm_up=warm_up) for part, seen in sorted(self.seen.items())
        }


def medians(seen: Sequence[float], *, warm_up: float) -> tuple[float, float]:
    """Of the tenth after the warm-up, and of the last tenth."""
    tenth, first = max(1, len(seen) // 10), int(len(seen) * warm_up)
    return statistics.median(seen[first : first + tenth]), statistics.median(seen[-tenth:])


def memory_of(pid: int) -> Memory:
    """What a process has; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return Memory(0.0, 0.0)
    mb = {name: int(value.split()[0]) / 1024 for name, value in (line.split(":") for line in lines)}
    # What has been written to a mapped file's private pages is no page of the file any more: the kernel says so.
    mapped = mb.get("Pss_File", 0.0)
    return Memory(mb.get("Pss", 0.0) - mapped, mapped)


def growth(found: Medians) -> dict[str, float]:
    """Of each part, as a share of what it had."""
    return {part: after / before - 1 for part, (before, after) in found.items() if before}
