"""How far a clock is from another that had to be asked, told without the time that the answer took."""

from __future__ import annotations


def least_ahead(before: float, there: float, after: float) -> float:
    """Seconds that this machine's clock is before the other at the least, negative behind it.

    `there` is what the other said at some moment between `before` and `after`. Nobody can tell where between them, so
    that two clocks which may agree do: a machine that stood still for some seconds meanwhile has no wrong clock.
    """
    return max(0.0, before - there) - max(0.0, there - after)
