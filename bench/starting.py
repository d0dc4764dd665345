"""What a process that is started here does when this one ends without having stopped it."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_us(number: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the process gets this signal when the thread that has started it is gone."""
    prctl = ctypes.CDLL(None).prctl  # before the fork: a lock that another thread holds then stays held after it

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, number)

    return before_exec
