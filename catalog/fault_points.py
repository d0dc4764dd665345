"""Places where a test may end the process, so that the gaps between two durable writes can be hit on purpose."""

from __future__ import annotations

import os
import signal
from pathlib import Path

VARIABLE = "RUIJI_FAULT_POINTS"


def reach(name: str) -> None:
    """SIGKILL this process if a test has armed this point; does nothing otherwise.

    The environment names a folder; a file in it, `name.armed`, arms the point. It fires once, when it can rename that
    file to `name.fired`, so that the restart goes on.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    try:
        (Path(folder) / f"{name}.armed").rename(Path(folder) / f"{name}.fired")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
