"""Which devices `ruiji node` starts a worker for."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

AUTO, GPUS = "auto", "gpus"
_COUNT = "import torch; print(torch.cuda.device_count())"
_DRIVER = Path("/proc/driver/nvidia/version")


class NoDevice(Exception):
    """The devices that were named are not there, or not understood; the message says which are."""


def devices_of(given: str, *, count: Callable[[], int] | None = None) -> tuple[str, ...]:
    """The devices that a word stands for: `gpus` is every GPU that this process may use, `auto` the same or the CPU.

    Otherwise a list such as cuda:0,cuda:2. Raises NoDevice.
    """
    if given in (AUTO, GPUS):
        found = tuple(f"cuda:{number}" for number in range((count or count_gpus)()))
        if not found and given == GPUS:
            raise NoDevice(
                "no GPU can be used here: is the NVIDIA driver there, is the container given its GPUs, is torch"
                " installed? To embed on the CPU say --devices cpu"
            )
        return found or ("cpu",)
    names = tuple(name.strip() for name in given.split(",") if name.strip())
    wrong = [name for name in names if not re.fullmatch(r"cpu|cuda:\d+", name)]
    if wrong or not names:
        raise NoDevice(f"--devices is auto, gpus, or a list such as cuda:0,cuda:1 or cpu, not {given!r}")
    return names


def count_gpus() -> int:
    """GPUs that torch sees: those of this container, less what CUDA_VISIBLE_DEVICES hides. Asked in a process of its
    own, since torch takes 400 MB and this process stays."""
    if not _DRIVER.exists() or importlib.util.find_spec("torch") is None:
        return 0
    answer = subprocess.run([sys.executable, "-P", "-c", _COUNT], capture_output=True, text=True, timeout=120)
    if answer.returncode:
        raise NoDevice(f"torch cannot count the GPUs: {(answer.stderr.strip().splitlines() or ['no reason'])[-1]}")
    return int(answer.stdout)
