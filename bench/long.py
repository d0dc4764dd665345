"""`ruiji bench long`: the long forms of all that is tried under faults, part after part, each within its own time.

A part is run again and again, with a new seed each time, until its goals are reached or its minutes are over. Each run
is added to `long-PART.json` when it ends, so the command can be stopped at any time and given again: it goes on from
what is there. docs/TRUST.md's table is made from these files (`make readme`). The parts: queues that are wiped, full
disks, four writers in one index, switches of encoders, kills of everything (trainings among it, and a clock that
jumps), kills of PostgreSQL, Redis and Milvus, kills of single backends of PostgreSQL, and hostile files. A part whose
programs are not installed is left out, and the others run. Exit code 1 if anything was lost, 4 if nothing was and a
part was left out, 3 if all is well and a goal is not reached yet.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.faults import NOT_THERE
from bench.record import RESULTS, publish
from bench.under_fire.tally import Goal, added, left, reached

UNFINISHED, LEFT_OUT = 3, 4
RUN_MINUTES = 10.0  # of one run: a stop loses no more than this
ENDLESS = "1000000"
FAULTS = ("faults", "--operations", "1", "--kills", "0", "--faults", "{left}", "--minutes", "{minutes}", "--only")


class NotThere(RuntimeError):
    """A benchmark needs what is not installed; it has said what, and nothing was tried."""


@dataclass(frozen=True)
class Part:
    """A benchmark with its options, in which {left} is what the goals lack, and {minutes} the time of one run."""

    name: str
    command: tuple[str, ...]
    goals: tuple[Goal, ...]


PARTS = (
    Part(
        "broker", (*FAULTS, "broker wiped", "broker lost"), (Goal("queues wiped", 20, ("broker wiped", "broker lost")),)
    ),
    Part(
        "disk",
        (*FAULTS, "disk full", "error at a point"),
        (Goal("full disks and I/O errors", 100, ("disk full", "error at a point")),),
    ),
    Part(
        "writers",
        ("faults", "--index-writers", "4", "--rows", "1500", "--kills", "10"),
        (Goal("kills under four writers", 50, ("kills",)),),
    ),
    Part("switches", ("switch", "--switches", "25"), (Goal("switches of encoders", 50, ("switches",)),)),
    Part(
        "kills",
        ("faults", "--operations", ENDLESS, "--kills", ENDLESS, "--minutes", "{minutes}"),
        (Goal("kills", 500, ("kills",)), Goal("changes of labels", 10_000, ("label transactions",))),
    ),
    Part(
        "engines",
        ("faults", "--engines", "--operations", ENDLESS, "--kills", ENDLESS, "--minutes", "{minutes}"),
        (
            Goal("kills of PostgreSQL", 20, ("kill ledger server", "kill everything")),
            Goal("of Redis", 20, ("kill broker", "broker lost", "kill everything")),
            Goal("of Milvus", 20, ("kill index server", "kill everything")),
        ),
    ),
    Part(
        "backends",
        (
            "faults",
            "--engines",
            "--operations",
            "1",
            "--kills",
            "{left}",
            "--minutes",
            "{minutes}",
            "--only",
            "backend",
        ),
        (Goal("kills of single backends of PostgreSQL", 50, ("kill backend",)),),
    ),
    Part("hostile", ("hostile", "--files", "10000"), (Goal("hostile files", 10_000, ("files",)),)),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the goals lack, and publish after each run."""
    parser = argparse.ArgumentParser(prog="ruiji bench long", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="of each part; 0 runs nothing and says what is there"
    )
    parser.add_argument("--parts", nargs="*", choices=[part.name for part in PARTS], help="only these")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results, and of those to add to")
    chosen = parser.parse_args(argv)
    open_, left_out = False, []
    for part in PARTS:
        if chosen.parts and part.name not in chosen.parts:
            continue
        try:
            total = carry_on(part, minutes=chosen.minutes, folder=chosen.out)
        except NotThere:
            left_out.append(part.name)
            continue
        there = reached(total, part.goals)
        said = ", ".join(f"{there[one.what]} of {one.least} {one.what}" for one in part.goals)
        print(f"{part.name}: {said}; {total.get('amiss', 0)} lost, twice or wrong", file=sys.stderr, flush=True)
        if total.get("amiss"):
            return 1
        open_ = open_ or left(total, part.goals) > 0
    if left_out:
        print(f"left out, as what it needs is not installed: {', '.join(left_out)}", file=sys.stderr, flush=True)
        return LEFT_OUT
    return UNFINISHED if open_ else 0


def carry_on(part: Part, *, minutes: float, folder: Path) -> dict[str, Any]:
    """Add runs until the goals are reached, the time is over, or something is amiss; the sum so far."""
    until = time.monotonic() + 60 * minutes
    total = so_far(part, folder)
    while not total.get("amiss") and left(total, part.goals) and (rest := until - time.monotonic()) > 0:
        seed = 1 + max((int(run.get("seed", 0)) for run in total.get("runs", [])), default=0)
        result = run_once(part, seed=seed, missing=left(total, part.goals), minutes=min(rest / 60, RUN_MINUTES))
        total = added(total, result, part.goals)
        publish(f"long-{part.name}", total, folder=folder)
    return total


def so_far(part: Part, folder: Path) -> dict[str, Any]:
    """What earlier runs have left; nothing for the first."""
    path = folder / f"long-{part.name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def run_once(part: Part, *, seed: int, missing: int, minutes: float) -> dict[str, Any]:
    """One run in a process of its own, and its JSON; NotThere if it cannot run here.

    RuntimeError if it ends without one, as nothing was compared.
    """
    command = [one.format(left=missing, minutes=f"{minutes:.2f}") for one in part.command]
    seeded = command if command[0] == "switch" else [command[0], "--seed", str(seed), *command[1:]]
    with TemporaryDirectory(prefix="ruiji-bench-") as room:
        whole = [sys.executable, "-P", "-m", "ruiji", "bench", *seeded]
        done = subprocess.run([*whole, "--out", room], stdout=subprocess.DEVNULL, check=False)
        if done.returncode == NOT_THERE:
            raise NotThere(part.name)
        written = list(Path(room).glob("*.json"))
        if len(written) != 1:
            raise RuntimeError(f"{' '.join(whole)} ended with {done.returncode} and no result; what it said is above")
        result: dict[str, Any] = json.loads(written[0].read_text())
    return result
