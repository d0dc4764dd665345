"""SIGTERM asks a run to pause: the step under way is finished and a checkpoint written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Pause:
    """Whether somebody has asked."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler."""
        self.asked = True


@contextmanager
def pause_on_sigterm() -> Iterator[Pause]:
    """Within it SIGTERM asks instead of ending the process."""
    pause = Pause()
    before = signal.signal(signal.SIGTERM, pause.ask)
    try:
        yield pause
    finally:
        signal.signal(signal.SIGTERM, before)
