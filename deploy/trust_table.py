"""docs/TRUST.md's table of the long forms, from bench/results/long-*.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "TRUST.md"
# In the order in which they are run; bench is not installed where this is only read.
PARTS = ("broker", "disk", "writers", "switches", "kills", "engines", "backends", "hostile")


def table(results: Path = RESULTS) -> str:
    """A row for each part: what was reached of its goals, what was compared, and the 95 % bound of the share lost."""
    lines = [
        "| `--parts` | reached | compared (share that is lost, 95 % sure: below) | not right | runs, load |",
        "|---|---|---|---|---|",
    ]
    for part in PARTS:
        path = results / f"long-{part}.json"
        if path.is_file():
            lines.append(_row(part, json.loads(path.read_text())))
        else:
            lines.append(f"| {part} | not run yet | | | |")
    return "\n".join(lines) + "\n"


def _row(part: str, total: dict[str, Any]) -> str:
    goals = total["goals"]
    reached = "; ".join(
        f"{number:,} of {goals[what]:,} {what}{'' if number >= goals[what] else ' (**not reached**)'}"
        for what, number in total["reached"].items()
    )
    below = total["lost_below_95"]
    compared = ", ".join(
        f"{number:,} {what}" + (f" ({below[what]:.2g})" if what in below else "")
        for what, number in total["checked"].items()
    )
    loads = sorted(run["load_average"] for run in total["runs"])
    return f"| {part} | {reached} | {compared} | {total['amiss']} | {len(loads)}, {loads[0]:.0f} to {loads[-1]:.0f} |"
