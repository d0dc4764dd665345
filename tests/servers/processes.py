"""Commands of ours as processes of a test: started with nothing but the settings that it gives, and waited for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.surroundings import surroundings


def ours(command: Sequence[str]) -> list[str]:
    """A command as a container has it, with this interpreter in the place of the container's `ruiji` and `python`."""
    # -P: the folder it runs in, which holds no code of ours, is not searched for modules.
    python = [sys.executable, "-P"]
    if command[0] == "ruiji":
        return [*python, "-m", "ruiji", *command[1:]]
    assert command[0] == "python", command
    return [*python, *command[1:]]


@contextlib.contextmanager
def running(
    command: Sequence[str], *, folder: Path, log: Path, environment: dict[str, str], before: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of ours that stays, in a session of its own, until the test ends it or the block is left.

    `before` is what it is started through.
    """
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*before, *ours(command)],
            cwd=folder,
            env=surroundings(**environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def once(command: Sequence[str], *, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command of ours that ends."""
    return subprocess.run(
        ours(command), cwd=folder, env=surroundings(**environment), capture_output=True, text=True, timeout=150
    )


def eventually(condition: Callable[[], bool], *, within_s: float, log: Path | None = None) -> None:
    """Return when it holds; AssertionError with the end of the log, if there is one, when it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, log.read_text(errors="replace")[-4000:] if log else "not in time"
        time.sleep(0.05)
