"""What can be measured without a label: whether a changed picture finds another changed copy of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from encoder.view_config import ViewConfig
from encoder.view_draws import draw_views
from encoder.views import block_of, make_views

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
CPU = torch.device("cpu")
PICTURES = 2_000


def two_views(pictures: Pixels, views: ViewConfig, *, size: int, seed: int = 0) -> tuple[Pixels, Pixels]:
    """Two changed copies of each of (n, side, side, 3), as training makes them: (n, size, size, 3) uint8 each."""
    draws = torch.Generator().manual_seed(seed)
    batch = torch.from_numpy(np.array(pictures))  # a copy: torch warns of arrays that cannot be written to
    made = []
    for _ in range(2):
        drawn = draw_views(len(batch), views, side=batch.shape[1], generator=draws, block=block_of(CPU))
        floats = make_views(batch, drawn, size=size, mean=torch.zeros(3), std=torch.ones(3))
        made.append((floats.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).to(torch.uint8).numpy())
    return np.ascontiguousarray(made[0]), np.ascontiguousarray(made[1])


def finds_itself(embed: Callable[[Pixels], np.ndarray[Any, np.dtype[np.float32]]], one: Pixels, two: Pixels) -> float:
    """Share of the copies `one` whose nearest among all copies `two` is of the same picture."""
    nearest = (embed(one) @ embed(two).T).argmax(axis=1)
    return float((nearest == np.arange(len(one))).mean())
