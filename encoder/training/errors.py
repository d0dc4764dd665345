"""How a run ends before its last epoch."""

from __future__ import annotations


class TrainingError(Exception):
    """A run cannot start or go on: the reason names the file or value, the advice says what to do."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}; {advice}" if advice else reason)
        self.reason, self.advice = reason, advice


class TrainingPaused(Exception):
    """A run was asked to pause and has written where it is."""
