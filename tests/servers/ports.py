"""Free loopback ports, and waiting until a server answers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.ports import free_port

__all__ = ["free_port", "stop", "wait_for"]


def wait_for(
    answers: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, timeout_s: float = 150
) -> None:
    """Return when the server answers; AssertionError with its log when it ends or is too slow."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}:\n{log.read_text(errors='replace')[-3000:]}")
        if answers():
            return
        time.sleep(0.05)
    raise AssertionError(f"no answer in {timeout_s} s:\n{log.read_text(errors='replace')[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL after 10 seconds."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
