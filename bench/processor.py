"""Processor seconds of processes and threads, and how many cores the whole machine kept busy, from /proc."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
BUSY = (0, 1, 2, 5, 6, 7)  # of the fields of /proc/stat: user, nice, system, irq, softirq, steal


def children(pid: int) -> set[int]:
    """Ids of the processes that this one has started and that are there."""
    found: set[int] = set()
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        found |= {int(number) for number in listed.read_text().split()}
    return found


def threads() -> set[int]:
    """Ids of this process's threads, those included that Python knows nothing of."""
    return {int(thread.name) for thread in Path("/proc/self/task").iterdir()}


def seconds(path: str) -> float:
    """Of one process or thread, named by its folder in /proc; 0 if it has ended."""
    try:
        fields = Path(path, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def tree_seconds(pid: int) -> float:
    """Of a process and all that it has started and that are there."""
    return seconds(f"/proc/{pid}") + sum(tree_seconds(child) for child in children(pid))


def machine_seconds() -> float:
    """Of all cores, by whatever, since the machine started; what its host took away counts as busy."""
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    return sum(int(fields[at]) for at in BUSY) / TICKS


@dataclass(frozen=True)
class Load:
    """What was counted so far: by the clock, of each of some processes with all their children, and of the machine."""

    clock_s: float
    processes: dict[str, float]
    machine_s: float

    @classmethod
    def now(cls, **processes: list[int]) -> Load:
        """Of processes, with their children, by a name for each kind; and of this one alone, as `bench`."""
        counted = {name: sum(tree_seconds(pid) for pid in pids) for name, pids in processes.items()}
        return cls(time.perf_counter(), counted | {"bench": time.process_time()}, machine_seconds())

    def cores_since(self, before: Load) -> dict[str, float]:
        """How many cores each kept busy between two moments, and all that is none of them."""
        clock_s = self.clock_s - before.clock_s
        ours = {name: (spent - before.processes[name]) / clock_s for name, spent in self.processes.items()}
        return {**ours, "elsewhere": max(0.0, (self.machine_s - before.machine_s) / clock_s - sum(ours.values()))}
