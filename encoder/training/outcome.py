"""How a run ended, in its folder: for who started it, where torchrun keeps an exit code to itself."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from encoder.training.plan import FINISHED, OUTCOME, PAUSED, STOPPED, write_json
from encoder.training.ranks import Ranks

WORDS = {FINISHED: "finished", PAUSED: "paused"}


def begin(out: Path) -> None:
    """Forget how it ended before."""
    for name in (OUTCOME, STOPPED):
        (out / name).unlink(missing_ok=True)


def end(out: Path, code: int, reason: str = "", advice: str = "", *, ranks: Ranks) -> int:
    """Write outcome.json, and stopped.json where there is a reason to stop; returns the code."""
    outcome = WORDS.get(code, "stopped")
    if outcome != "finished":
        print(f"training {outcome}: {reason}{f'; {advice}' if advice else ''}", file=sys.stderr, flush=True)
    if ranks.first and out.is_dir():
        with contextlib.suppress(OSError):  # a full disk may be the very reason; it is told above
            write_json(out / OUTCOME, {"outcome": outcome})
            if outcome == "stopped":
                write_json(out / STOPPED, {"reason": reason, "advice": advice})
    return code
