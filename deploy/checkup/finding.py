"""One thing that `ruiji doctor` has found: what it is about, how bad it is, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

How = Literal["ok", "note", "warning", "wrong"]

AHEAD_WARNING_S, AHEAD_WRONG_S = 1.0, 5.0


@dataclass(frozen=True)
class Finding:
    """`note`: nothing to judge. `warning`: works, and will not for ever. `wrong`: does not work. `do`: the remedy."""

    what: str
    how: How
    found: str
    do: str = ""


def at_least(what: str, version: str, least: tuple[int, ...], *, name: str) -> Finding:
    """Whether a service is new enough; one whose version says nothing is only told."""
    numbers = re.search(r"(\d+)\.(\d+)", version)
    wanted = ".".join(str(part) for part in least)
    if numbers is None:
        return Finding(what, "note", f"{name} {version}: needs {wanted} or newer")
    if (int(numbers[1]), int(numbers[2])) < (*least, 0)[:2]:
        return Finding(what, "wrong", f"{name} {version} is too old", f"update it to {wanted} or newer")
    return Finding(what, "ok", f"answers: {name} {version}, {wanted} or newer is needed")


def clock(what: str, ahead_s: float) -> Finding:
    """How far a clock is from another: time limits of searches and messages are compared by both."""
    size = abs(ahead_s)
    found = f"{size:.1f} s {'ahead' if ahead_s > 0 else 'behind'}" if size >= 0.1 else "agrees"
    how: How = "wrong" if size > AHEAD_WRONG_S else "warning" if size > AHEAD_WARNING_S else "ok"
    do = "" if how == "ok" else "set both clocks by NTP: searches end too early, or wake-ups expire unread"
    return Finding(what, how, found, do)


def in_gb(size: float) -> str:
    """Bytes for a person."""
    return f"{size / 1024**3:.1f} GB"
