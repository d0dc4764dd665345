"""Places where a test may end, stop or fail a process, so that gaps between two durable writes are hit on purpose."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

VARIABLE = "RUIJI_FAULT_POINTS"


def reach(name: str) -> None:
    """Do what a test has armed this point with; nothing otherwise.

    The environment names a folder; a file in it, `name.armed`, arms the point. It fires once, when it can be renamed to
    `name.fired`, so that the restart goes on. In the file: a signal that this process gets (SIGKILL if it is empty), or
    the name of an error of the system, such as ENOSPC or EIO, which is raised as OSError.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    fired = Path(folder) / f"{name}.fired"
    try:
        (Path(folder) / f"{name}.armed").rename(fired)
    except FileNotFoundError:
        return
    what = fired.read_text().strip() or "SIGKILL"
    if what.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[what])
        return
    number = int(getattr(errno, what))
    raise OSError(number, os.strerror(number))
