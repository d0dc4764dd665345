"""A file's time as the ledger can hold it."""

from __future__ import annotations

import os

# Nanoseconds since 1970 in 64 bits end in the year 2262; a camera's wrong clock or a copying tool goes beyond.
_EARLIEST, _LATEST = -(1 << 63), (1 << 63) - 1


def mtime_ns(status: os.stat_result) -> int:
    """The time of the last change in ns; whoever compares two of them has to take both from here."""
    return min(max(status.st_mtime_ns, _EARLIEST), _LATEST)
