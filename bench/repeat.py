"""Sides of a comparison run in turn, so that what the machine does meanwhile hits all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

LEAST = 3


def interleave(sides: Mapping[str, Callable[[], float]], *, repetitions: int) -> dict[str, list[float]]:
    """Call every side once per repetition, in order; each returns what it measured."""
    if repetitions < LEAST:
        raise ValueError(f"a median of fewer than {LEAST} repetitions says nothing")
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, side in sides.items():
            found[name].append(side())
    return found


def medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each side."""
    return {name: statistics.median(values) for name, values in found.items()}


def median_ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of one repetition: a slow minute slows both of its sides."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))
