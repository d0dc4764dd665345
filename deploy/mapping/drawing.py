"""One encoder's map as it is to be shown: places, names, colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NONE, GREY = "no label", "#8a94a1"
# Okabe and Ito's colours, told apart by colour-blind people too, then darker ones.
PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#f0e442", "#7f3c8d", "#8c564b", "#b3de69",
    "#bc80bd", "#3969ac",
)  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """positions (n, 2 or 3) between -1 and 1; `names` (n) say what each point is coloured by."""

    title: str
    positions: NDArray[np.float32]
    names: tuple[str, ...]


def colours_of(drawings: Sequence[Drawing], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Name -> #rrggbb, the same on every drawing: the label's own where it is known; the most frequent names first."""
    counts: dict[str, int] = {}
    for drawing in drawings:
        for name in drawing.names:
            counts[name] = counts.get(name, 0) + 1
    order = sorted(counts, key=lambda name: (name == NONE, -counts[name], name))
    found = {}
    for at, name in enumerate(order):
        found[name] = GREY if name == NONE else (known or {}).get(name, PALETTE[at % len(PALETTE)])
    return found
