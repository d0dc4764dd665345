"""What a worker tells of itself: which code it runs, and on which GPU."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from catalog.installation import VERSION

ROOT = Path(__file__).resolve().parent.parent
CODE = ("catalog", "encoder", "ingest", "worker")  # what decides how a picture becomes a vector
GPUS = Path("/proc/driver/nvidia/gpus")  # a container has those here that it may use


@cache
def code_version() -> str:
    """The version and a fingerprint of the sources: two states of a working copy are called alike otherwise."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{VERSION}+{digest.hexdigest()[:8]}"


def gpu_name(device: str, *, folder: Path = GPUS) -> str | None:
    """What the driver calls the GPU of `cuda:N`, in the order of the bus; None on a CPU or where it does not say."""
    if not device.startswith("cuda:"):
        return None
    names = gpu_names(folder)
    number = int(device.removeprefix("cuda:"))
    return names[number] if number < len(names) else None


def gpu_names(folder: Path = GPUS) -> list[str]:
    """All that the driver has here, in the order of the bus."""
    found = []
    for path in sorted(folder.glob("*/information")):
        named = re.search(r"^Model:\s*(.+)$", path.read_text(errors="replace"), flags=re.MULTILINE)
        found.append(named[1].strip() if named else "GPU")
    return found
