"""Where the pictures of a run lie while it trains: on the GPU, in memory, or on the disk when they are too many."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
# Of what is free: the rest is for activations on a GPU, and for the page cache and all other programs in memory.
GPU_SHARE, MEMORY_SHARE = 0.4, 0.4
STATISTICS_PICTURES = 10_000


class Store:
    """Batches of pictures (n, side, side, 3) uint8 on a device; `place` says where they are kept meanwhile."""

    def __init__(self, pictures: Pixels, device: torch.device, *, free: int | None = None) -> None:
        """`free` is memory to count with, in bytes; None: what the machine says."""
        self._pictures, self._device = pictures, device
        self.place = "disk"
        if device.type == "cuda" and pictures.nbytes <= GPU_SHARE * free_on(device):
            self.place = "device"
        elif pictures.nbytes <= MEMORY_SHARE * (free_in_memory() if free is None else free):
            self.place = "memory"
        self._held: Tensor | None = None
        if self.place != "disk":
            held = torch.from_numpy(np.array(pictures))
            self._held = held.to(device) if self.place == "device" else held

    def batches(self, chosen: Sequence[Tensor]) -> Iterator[Tensor]:
        """Pictures of each tensor of numbers, on the device; the next ones are read while this one is trained."""
        if self._held is not None:
            for rows in chosen:
                yield self._held[rows.to(self._held.device)].to(self._device, non_blocking=True)
            return
        with ThreadPoolExecutor(1) as reader:
            coming = [reader.submit(self._read, rows) for rows in chosen[:1]]
            for number in range(len(chosen)):
                batch = coming.pop().result()
                coming += [reader.submit(self._read, rows) for rows in chosen[number + 1 : number + 2]]
                yield batch.to(self._device, non_blocking=True)

    def _read(self, rows: Tensor) -> Tensor:
        """In the order of the disk, which reads ahead; handed out in the order that was asked for."""
        numbers = rows.numpy()
        order = np.argsort(numbers)
        batch = np.empty((len(numbers), *self._pictures.shape[1:]), dtype=np.uint8)
        for place in order:
            batch[place] = self._pictures[numbers[place]]
        held = torch.from_numpy(batch)
        return held.pin_memory() if self._device.type == "cuda" else held


def free_on(device: torch.device) -> int:
    """Bytes of a GPU that nobody uses."""
    return int(torch.cuda.mem_get_info(device)[0])


def free_in_memory() -> int:
    """Bytes that programs may still take."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            found = dict(line.split(":", 1) for line in stream)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES")) // 2


def channel_statistics(pictures: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel in [0, 1], from at most 10,000 pictures."""
    sample = np.asarray(pictures[:: max(1, len(pictures) // STATISTICS_PICTURES)], dtype=np.float64) / 255
    mean, std = sample.mean(axis=(0, 1, 2)), sample.std(axis=(0, 1, 2))
    return tuple(float(v) for v in mean.round(4)), tuple(float(v) for v in np.maximum(std, 1e-3).round(4))
