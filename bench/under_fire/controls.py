"""Known-bad controls: patches that take a safeguard away, so that a run can show that its check would notice.

Nothing of the product imports this. A run puts a `sitecustomize` on the path of the processes that it starts itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def unfenced() -> None:
    """A result counts whoever has the chunk by now: the fence token is not looked at."""
    from catalog import chunks, tables

    def anybodys(chunk: chunks.ClaimedChunk) -> tuple[Any, ...]:
        return (tables.chunk.c.id == chunk.id,)

    chunks._ours = anybodys


CONTROLS: dict[str, Callable[[], None]] = {"unfenced": unfenced}


def install(name: str) -> None:
    """Take the safeguard away in this process; decode children have none of it."""
    if "ingest.child" not in sys.orig_argv:
        CONTROLS[name]()
