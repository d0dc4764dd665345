"""Few arenas for malloc: memory that one thread frees is then used by the others, instead of staying in its own."""

from __future__ import annotations

import ctypes
import os
import sys

ARENAS = 2
_M_ARENA_MAX = -8  # glibc's malloc.h
_VARIABLE = "MALLOC_ARENA_MAX"  # glibc has read it by now: who sets it has chosen


def limit_arenas(most: int = ARENAS) -> bool:
    """Call before any thread starts; children that are forked inherit it. False where malloc is none of glibc's."""
    if sys.platform != "linux" or _VARIABLE in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, most))
