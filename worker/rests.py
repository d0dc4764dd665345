"""How long to leave alone what has just failed: longer each time, so that a lasting fault costs next to nothing."""

from __future__ import annotations

import time

FIRST_S = 2.0
LONGEST_S = 60.0


class Rests:
    """The rest of each thing by its name; each failure in a row doubles it."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def begin(self, name: str) -> float:
        """It has failed; returns the seconds of its rest."""
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        rest_s = float(min(LONGEST_S, FIRST_S * 2 ** min(failures - 1, 10)))
        self._until[name] = time.monotonic() + rest_s
        return rest_s

    def holds(self, name: str) -> bool:
        """Whether it is to be left alone at this moment."""
        return time.monotonic() < self._until.get(name, 0.0)

    def end(self, name: str) -> None:
        """It has worked."""
        self._failures.pop(name, None)
        self._until.pop(name, None)
