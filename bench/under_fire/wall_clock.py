"""A wall clock of a run's own: everything that it starts reads it, and it can be moved while they run.

Only root may move the machine's, under everybody else too. libfaketime would do, but for Python's `time.sleep`: version
0.9.10 fails it with EINVAL after a step back. So a small library of ours is compiled and preloaded.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("wall_clock.c")
BYTES = 65536  # of the file of moves, as wall_clock.c maps it
MOST_MOVES = BYTES // 16 - 1


class WallClock:
    """`works` is False where the library cannot be compiled or preloaded; then nothing is moved."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._library, self._moves = folder / "wall_clock.so", folder / "moves"
        self._moves.write_bytes(bytes(BYTES))
        self.works = self._compile() and self._bites()
        self.moved_s = 0.0

    def variables(self) -> dict[str, str]:
        """What a process needs in its environment to go by this clock; its children inherit it."""
        return _preloaded(self._library, self._moves) if self.works else {}

    def move(self, seconds: float) -> None:
        """So far from the machine's own time, from now on."""
        with self._moves.open("r+b") as file, mmap.mmap(file.fileno(), BYTES) as held:
            (number,) = struct.unpack_from("=q", held)
            if number == MOST_MOVES:
                raise RuntimeError(f"a clock that was moved {number} times has no room for more")
            struct.pack_into("=qq", held, 8 + 16 * number, time.time_ns(), round(seconds * 1e9))
            struct.pack_into("=q", held, 0, number + 1)  # last: whoever reads finds whole moves alone
        self.moved_s = seconds

    def _compile(self) -> bool:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return False
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl", "-lpthread"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _bites(self) -> bool:
        """Whether a program sees a move; a linker may ignore what is preloaded."""
        date = shutil.which("date")
        if date is None:
            return False
        probe = self._moves.with_name("probe")
        probe.write_bytes(struct.pack("=qqq", 1, 0, 10**9 * 400 * 86400).ljust(BYTES, b"\0"))
        given = {**os.environ, **_preloaded(self._library, probe)}
        said = subprocess.run([date, "+%s"], env=given, capture_output=True, text=True, check=False).stdout
        return said.strip().isdigit() and int(said) > time.time() + 300 * 86400


def _preloaded(library: Path, moves: Path) -> dict[str, str]:
    others = os.environ.get("LD_PRELOAD", "")
    return {"LD_PRELOAD": f"{library}:{others}".rstrip(":"), "BENCH_WALL_CLOCK": str(moves)}
