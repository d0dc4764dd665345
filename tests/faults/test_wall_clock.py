"""The clock of a run is the one that its programs go by, in Python and beside it, and moves alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.under_fire.wall_clock import WallClock

# Says, for each line that it reads, what it sees: the wall time by three libraries, the age of a file that it has just
# written, and how long two waits of 0.2 s took.
PROGRAM = """
import datetime, os, sqlite3, sys, threading, time
for line in sys.stdin:
    path = line.strip()
    open(path, "w").close()
    began = time.monotonic()
    time.sleep(0.2)
    threading.Event().wait(0.2)
    took = time.monotonic() - began
    by_sqlite = sqlite3.connect(":memory:").execute("SELECT unixepoch('now')").fetchone()[0]
    print(time.time(), datetime.datetime.now().timestamp(), by_sqlite, time.time() - os.stat(path).st_mtime, took)
    sys.stdout.flush()
"""


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    found = WallClock(tmp_path / "clock")
    if not found.works:
        pytest.skip("no C compiler, or nothing can be preloaded: bench faults leaves its clock alone")
    return found


@pytest.fixture
def program(clock: WallClock) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **clock.variables()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        assert started.stdin is not None
        started.stdin.close()


def test_a_program_sees_each_move_at_once_and_waits_as_long_as_ever(
    clock: WallClock, program: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert program.stdin is not None and program.stdout is not None
    for moved_s in (0.0, 600.0, 86_400.0, -3600.0, 0.0):
        clock.move(moved_s)
        time.sleep(0.05)  # a file's time is that of the kernel's last tick
        print(tmp_path / f"{moved_s}", file=program.stdin, flush=True)
        *seen, age, took = [float(word) for word in program.stdout.readline().split()]
        for wall in seen:
            assert wall - time.time() == pytest.approx(moved_s, abs=60), seen
        assert 0.4 <= age < 60, "a file is as old as it would be on a machine whose own clock moves"
        assert 0.4 <= took < 60


def test_a_file_of_before_a_move_is_older_after_it(clock: WallClock, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    clock.move(86_400.0)
    said = subprocess.run(
        [sys.executable, "-c", f"import os, time; print(time.time() - os.stat({str(kept)!r}).st_mtime)"],
        env={**os.environ, **clock.variables()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(said.stdout) == pytest.approx(86_400, abs=200)
