"""Known-bad controls: patches that take a safeguard away, so that a run can show that its check would notice.

Nothing of the product imports this. A run puts a `sitecustomize` on the path of the processes that it starts itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.record import ROOT

HOARDED_BYTES = 1 << 20  # of each picture


def unfenced() -> None:
    """A result counts whoever has the chunk by now: the fence token is not looked at."""
    from sqlalchemy import BindParameter, bindparam, or_

    from catalog import chunk_statements
    from catalog.tables import chunk

    ours: BindParameter[int] = bindparam("our_fence")
    whoever = or_(chunk.c.fence == ours, chunk.c.fence != ours)
    chunk_statements.OURS = chunk_statements.under((chunk.c.id == bindparam("our_chunk")) & whoever)


def hoarding() -> None:
    """The query worker keeps every picture that it embeds, as a cache without a limit would."""
    from worker import batching

    kept: list[bytes] = []
    submit = batching.Batcher.submit

    def keeping(self: batching.Batcher, pixels: batching.Pixels, **options: Any) -> None:
        kept.append(pixels.tobytes() * (HOARDED_BYTES // pixels.nbytes + 1))
        submit(self, pixels, **options)

    batching.Batcher.submit = keeping  # type: ignore[method-assign]


CONTROLS: dict[str, Callable[[], None]] = {"unfenced": unfenced, "hoarding": hoarding}


def install(name: str) -> None:
    """Take the safeguard away in this process; decode children have none of it."""
    if "ingest.child" not in sys.orig_argv:
        CONTROLS[name]()


def put_on_path(folder: Path, name: str) -> str:
    """A folder made for PYTHONPATH: processes that have it there take the safeguard away when they start."""
    folder.mkdir()
    code = f"from bench.under_fire.controls import install\n\ninstall({name!r})\n"
    (folder / "sitecustomize.py").write_text(code)
    return os.pathsep.join((str(folder), str(ROOT)))
