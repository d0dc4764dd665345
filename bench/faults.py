"""`ruiji bench faults`: everything that was acknowledged is there once, whatever was killed, stopped, wiped or full.

People label, undo, ingest, ingest again, switch encoders, train and search; meanwhile parts are killed and stopped, the
broker is wiped, the disk fills up, writes fail, and the clock jumps. At the end the history of what was acknowledged is
compared with ledger, shards, thumbnails, index and the encoders that were trained. `--index-writers` is the other run:
several writers at once in one collection of the embedded index, killed under them. `--engines` has PostgreSQL,
redis-server and Milvus in place of what Ruiji brings, and strikes them too. `--control` takes a safeguard away, and
must end with exit code 1. Exit code 3: an engine is not installed, and nothing was tried.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.record import RESULTS, publish
from bench.under_fire.controls import CONTROLS
from bench.under_fire.disk import in_own_mounts
from bench.under_fire.engines import missing
from bench.under_fire.fight import Outcome, Plan, fight
from bench.under_fire.findings import bounds
from bench.under_fire.index_writers import write_and_kill
from bench.under_fire.kinds import ENGINE_KINDS, KINDS

SHOWN = 20
CLOCKS = {
    True: "moved for all that was started",
    False: "not tried: no compiler, or nothing can be preloaded",
    None: "the machine's",
}
DISKS = {
    True: "a small disk, filled",
    False: "not tried: no right to mount one",
    None: "left out with engines",
}
NOT_THERE = 3  # as `ruiji` ends where a part that is needed is not there
UNSERIALISED = "unserialised"
BATCHES_A_KILL = 12


def main(argv: Sequence[str] | None = None) -> int:
    """Run and publish; 1 if anything was lost, was there twice, or was wrong."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.index_writers:
        return _write_index(chosen)
    kinds = ENGINE_KINDS if chosen.engines else KINDS
    only = tuple(kind for kind in kinds if not chosen.only or any(word in kind for word in chosen.only))
    if not only:
        parser.error(
            f"--only {' '.join(chosen.only)}: no fault is called so; there are {', '.join(dict.fromkeys(kinds))}"
        )
    if chosen.engines and (lacking := missing()):
        print(f"ruiji bench faults --engines needs what is not installed: {', '.join(lacking)}", file=sys.stderr)
        return NOT_THERE
    if not chosen.engines:  # PostgreSQL refuses to run as the root of a mount namespace's own
        in_own_mounts(["faults", *arguments])
    plan = Plan(
        seed=chosen.seed,
        operations=chosen.operations,
        kills=chosen.kills,
        faults=chosen.faults,
        minutes=chosen.minutes,
        only=only,
        control=chosen.control,
        engines=chosen.engines,
        unpacked=chosen.unpacked,
        trainings=chosen.trainings,
        rest=chosen.rest,
    )
    with TemporaryDirectory(prefix="ruiji-bench-", ignore_cleanup_errors=True) as room:
        outcome = fight(Path(room).resolve() / "room", plan)
    name = chosen.name or ("faults-engines" if plan.engines else "faults")
    publish(name, figures(outcome), folder=chosen.out, seed=plan.seed, control=plan.control)
    return int(bool(outcome.findings.all()))


def figures(outcome: Outcome) -> dict[str, Any]:
    """The figures of a run. Of N things of which none was lost, the share that may be: below 3 / N, 95 % sure."""
    found = outcome.findings
    for text in found.all()[:SHOWN]:
        print(text, file=sys.stderr)
    times = [seconds for of_kind in outcome.recovery_s.values() for seconds in of_kind]
    return {
        "operations": outcome.acked,
        "operations_by_kind": dict(sorted(outcome.operations.items())),
        "faults": sum(outcome.faults.values()),
        "faults_by_kind": dict(sorted(outcome.faults.items())),
        "faults_of_trainings": dict(sorted(outcome.stages.items())),
        "kills": outcome.kills,
        "acked": outcome.acked,
        "asked_again": outcome.asked_again,
        "lost": len(found.lost),
        "duplicates": len(found.duplicates),
        "wrong": len(found.wrong),
        "checked": found.checked,
        "lost_below_95": {} if found.lost else bounds(found.checked),
        "recovery_p50_s": float(np.percentile(times, 50)) if times else None,
        "recovery_p95_s": float(np.percentile(times, 95)) if times else None,
        "recovery_by_kind": {kind: _told(of_kind) for kind, of_kind in sorted(outcome.recovery_s.items())},
        "ended": outcome.ended,
        "engines": outcome.engines,
        "disk_full_is": DISKS[outcome.real_disk],
        "clock_is": CLOCKS[outcome.clock_moved],
        "seconds": outcome.seconds,
        "first_finding": found.all()[0] if found.all() else None,
    }


def _told(times: Sequence[float]) -> dict[str, float]:
    return {"p50_s": float(np.percentile(times, 50)), "p95_s": float(np.percentile(times, 95)), "most_s": max(times)}


def _write_index(chosen: argparse.Namespace) -> int:
    with TemporaryDirectory(prefix="ruiji-bench-") as folder:
        done = write_and_kill(
            Path(folder),
            writers=chosen.index_writers,
            rows=chosen.rows,
            kills=chosen.kills,
            batches=BATCHES_A_KILL,
            seed=chosen.seed,
            in_turn=chosen.control != UNSERIALISED,
        )
    result = {
        "writers": chosen.index_writers,
        "rows_a_batch": chosen.rows,
        "batches": done.batches,
        "kills": done.kills,
        "acked": done.acked,
        "lost": done.lost,
        "lost_below_95": None if done.lost else 3 / done.acked,
        "reopen_p95_s": float(np.percentile(done.reopen_s, 95)),
    }
    name = chosen.name or "index-writers"
    publish(name, result, folder=chosen.out, seed=chosen.seed, control=chosen.control)
    return int(done.lost > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ruiji bench faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=2000, help="acknowledged operations at least")
    parser.add_argument("--kills", type=int, default=30, help="kills at least (of the index server, with writers)")
    parser.add_argument("--faults", type=int, default=0, help="faults of any kind at least")
    parser.add_argument("--minutes", type=float, default=15.0, help="no new fault after this")
    parser.add_argument("--trainings", type=int, default=0, help="at most; 0: one after the other, each to its end")
    parser.add_argument("--rest", type=float, default=1.0, help="how much longer people rest than as fast as they can")
    parser.add_argument("--only", nargs="*", default=[], help="faults whose name holds one of these words")
    parser.add_argument("--control", default="", choices=["", *CONTROLS, UNSERIALISED], help="what must be noticed")
    parser.add_argument(
        "--engines", action="store_true", help="PostgreSQL, redis-server and Milvus 2.3.5 in place of what Ruiji brings"
    )
    parser.add_argument("--unpacked", type=Path, help="folder where Milvus's programs are kept (250 MB), for --engines")
    parser.add_argument("--index-writers", type=int, default=0, help="so many writers in the index, and nothing else")
    parser.add_argument("--rows", type=int, default=1500, help="rows of one of their batches")
    parser.add_argument("--name", default="", help="of the result's file, without its ending")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result")
    return parser
