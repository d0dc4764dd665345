"""Where tests write: into memory where there is plenty, since they write ten gigabytes and wait for each of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
# What is there at once while everything runs; what passed tests have written is removed after each of them.
NEEDED = 6 << 30
LEFT = 5 << 30  # for the servers and browsers that the tests start


def write_into_memory() -> None:
    """Temporary folders of this process and of all that it starts lie there, unless TMPDIR says where they are to lie.

    A process that is killed loses nothing there that it would keep on a disk: what was written is the kernel's in both.
    """
    if "TMPDIR" in os.environ or not has_room(MEMORY):
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None


def has_room(folder: Path) -> bool:
    """Whether it is in memory and may hold programs, and the memory is enough for all tests and what they start."""
    try:
        mounts = {place: (kind, options.split(",")) for _, place, kind, options, *_ in _words("/proc/mounts")}
        memory = {name: int(size) * 1024 for name, size, *_ in _words("/proc/meminfo")}
    except OSError:  # not a Linux
        return False
    kind, options = mounts.get(str(folder), ("", []))
    if kind != "tmpfs" or "noexec" in options or not os.access(folder, os.W_OK):
        return False
    return shutil.disk_usage(folder).free >= NEEDED and memory.get("MemAvailable:", 0) >= NEEDED + LEFT


def _words(path: str) -> list[list[str]]:
    return [line.split() for line in Path(path).read_text().splitlines()]
