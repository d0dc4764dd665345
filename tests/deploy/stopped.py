"""Stopping an embed worker at a named point of its work, and asking a ledger that nobody may be there to answer for."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

from tests.stack import Stack


def asked(stack: Stack, question: str) -> tuple[int, ...]:
    """One row of numbers from the ledger, past every part that may be stopped or gone."""
    with contextlib.closing(sqlite3.connect(f"file:{stack.home}/ledger.db?mode=ro", uri=True)) as ledger:
        return tuple(int(value) for value in ledger.execute(question).fetchone())


def stopped_embedding(stack: Stack, points: Path, point: str, *, once: str = "SELECT 1") -> int:
    """The embed worker's process, which stops itself at this point once the ledger answers `once` with true."""
    fired = points / f"{point}.fired"
    until = time.monotonic() + 240
    while True:
        if fired.exists():
            (worker,) = (pid for pid, line in stack.processes().items() if line.endswith("--queues embed"))
            if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                if asked(stack, once)[0]:
                    return worker
                fired.unlink()
                arm(points, point)
                os.kill(worker, signal.SIGCONT)
        assert time.monotonic() < until, stack.log()
        time.sleep(0.01)


def arm(points: Path, point: str) -> None:
    """Whoever comes to this point next stops there."""
    written = points / f"{point}.partial"  # a point is armed by a whole file
    written.write_text("SIGSTOP")
    written.rename(points / f"{point}.armed")
