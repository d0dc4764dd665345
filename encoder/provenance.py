"""What a run remembers of its pictures and its machine."""

from __future__ import annotations

import hashlib
import os
import platform
from typing import Any

import numpy as np
import torch

SAMPLE = 1_000  # a run over a million memory-mapped pictures must not read them all to begin


def fingerprint(pictures: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    """SHA-256 of the shape and of 1,000 evenly spaced pictures of (n, side, side, 3)."""
    digest = hashlib.sha256(repr(pictures.shape).encode())
    for position in np.linspace(0, len(pictures) - 1, min(SAMPLE, len(pictures)), dtype=np.int64):
        digest.update(np.ascontiguousarray(pictures[position]).tobytes())
    return digest.hexdigest()


def hardware(device: torch.device) -> str:
    """What trains here, in words."""
    cores = f"{len(os.sched_getaffinity(0))} CPU cores, {platform.machine()}"
    return f"{torch.cuda.get_device_name(device)}, {cores}" if device.type == "cuda" else f"{cores}, no GPU"
