"""A worker's pulse: a file that it touches whenever it has reached ledger and broker, for health checks to look at.

Nobody is asked over the network: a check that runs every few seconds beside every worker must cost next to nothing.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

ALIVE_WITHIN_S = 20.0


def pulse_file(folder: Path, *, queue: str, device: str) -> Path:
    """Where a worker of this queue and device has its pulse, below the folder of what runs. Its restart reuses it."""
    return folder / "pulse" / f"{queue}-{device.replace(':', '-')}"


def touch(path: Path) -> None:
    """A beat. A full disk must not end a worker."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def what_is_wrong(folder: Path, queue: str) -> str | None:
    """Why the workers of this queue in this container are not well; None if each had a pulse lately."""
    ages = {path.name: time.time() - path.stat().st_mtime for path in (folder / "pulse").glob(f"{queue}-*")}
    if not ages:
        return f"no worker of {queue} has reached the ledger and the broker yet"
    silent = {name: age for name, age in ages.items() if age > ALIVE_WITHIN_S}
    if silent:
        return ", ".join(f"{name} has been silent for {age:.0f} s" for name, age in sorted(silent.items()))
    return None
