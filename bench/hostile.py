"""`ruiji bench hostile`: thousands of hostile files among sound ones, ingested by a whole Ruiji, each accounted for.

Every file must be indexed or be among its job's bad files with a reason; no process of the stack may end; a file that
ends or hangs its decoder is tried three times at most and costs only itself. The page is asked about one file of every
kind too, and must never fail. Beside it: what decoding in a process of its own costs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.hostile_files import poison
from bench.hostile_files.folder import KINDS, Written, write
from bench.hostile_files.isolation import ratio
from bench.record import RESULTS, publish
from bench.record import ROOT as SOURCE
from bench.stack import Stack
from bench.under_fire.rows import rows

SHOWN = 20
MOST_ATTEMPTS = 3
ENDED_BY_A_FILE = ("crashed", "timeout", "out_of_memory")
PARTS = ("worker --queues", "gunicorn", "deploy.milvus_lite", "valkey", "ruiji beat")


@dataclass(frozen=True)
class Fate:
    """What became of each file: paths that were indexed, and the kind and reason of those that were reported."""

    indexed: frozenset[bytes]
    bad: dict[bytes, tuple[str, str]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run and publish; 1 if a file was not accounted for, a sound one was left out, or a process ended."""
    parser = argparse.ArgumentParser(prog="ruiji bench hostile", description=__doc__)
    parser.add_argument("--files", type=int, default=3000, help="files at least")
    parser.add_argument("--poison", type=int, default=2, help="files for each way to end a decoder")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds that a file may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="hostile", help="of the result's file, without its ending")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result")
    chosen = parser.parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-") as room:
        figures, findings = ingest(
            Path(room).resolve(),
            files=chosen.files,
            poisons=dict.fromkeys(poison.EFFECTS, chosen.poison),
            timeout_s=chosen.timeout,
            seed=chosen.seed,
        )
    for text in findings[:SHOWN]:
        print(text, file=sys.stderr)
    first = findings[0] if findings else None
    publish(chosen.name, {**figures, "first_finding": first}, folder=chosen.out, seed=chosen.seed)
    return int(bool(findings))


def ingest(
    room: Path, *, files: int, poisons: dict[str, int], timeout_s: float, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Figures and findings of one run."""
    photos, attempts = room / "photos", room / "attempts"
    written = write(photos, files=files, seed=seed, poisons=poisons)
    hooked = poison.hook(room / "hook", attempts)
    environment = {
        "PYTHONPATH": f"{hooked}:{SOURCE}",
        "RUIJI_CHUNK_FILES": "200",
        "RUIJI_DECODE_TIMEOUT_S": str(timeout_s),
    }
    stack = Stack(home=room / "home", allowed_root=room, environment=environment)
    try:
        stack.start()
        before = parts(stack)
        began = time.monotonic()
        job = stack.wait_job(stack.ingest(photos), timeout_s=3600)
        seconds = time.monotonic() - began
        fate = fate_of(stack.home, photos)
        failures = ask_the_page(stack, seed=seed)
        crashes = len(before - parts(stack))
    finally:
        stack.stop()
    found = [*findings(written, fate), *failures]
    tried = Counter(path.name.partition("-")[0] for path in attempts.iterdir())
    if tried and max(tried.values()) > MOST_ATTEMPTS:
        found.append(f"a poisonous file was tried {max(tried.values())} times")
    if crashes:
        found.append(f"{crashes} processes of the stack have ended")
    must = Counter(one.must for one in written)
    skipped = [one for one in written if one.must == "good" and one.path not in fate.indexed]
    return {
        "files": len(written),
        "kinds": len({one.kind for one in written}),
        "must": dict(must),
        "worker_crashes": crashes,
        "unreported": sum(unreported(one, fate) for one in written),
        "good_skipped": len(skipped),
        "bad_accepted": sum(one.must == "bad" and one.path in fate.indexed for one in written),
        "poison": sum(poisons.values()),
        "poison_attempts_most": max(tried.values(), default=0),
        "decoders_ended": sum(tried.values()),
        "reported": dict(Counter(kind for kind, _ in fate.bad.values())),
        "indexed": len(fate.indexed),
        "page_failures": len(failures),
        "job_bad": job["bad"],
        "seconds": seconds,
        "isolated_over_in_process": ratio(),
    }, found


def parts(stack: Stack) -> set[int]:
    """The processes that must live on; decode children are not among them."""
    return {pid for pid, line in stack.processes().items() if any(part in line for part in PARTS)}


def fate_of(home: Path, photos: Path) -> Fate:
    """From the ledger itself."""
    root = bytes(photos) + b"/"
    known = rows(home / "ledger.db", "SELECT path FROM place WHERE state = 'known' AND image_id IS NOT NULL")
    bad = rows(home / "ledger.db", "SELECT path, kind, reason FROM bad_file")
    return Fate(
        frozenset(root + bytes(path) for (path,) in known),
        {root + bytes(path): (kind, reason) for path, kind, reason in bad},
    )


def unreported(one: Written, fate: Fate) -> bool:
    """Whether a file is in neither list, or in the list of the bad without a reason."""
    if one.must == "left out" or one.path in fate.indexed:
        return False
    kind, reason = fate.bad.get(one.path, ("", ""))
    return not (kind and reason)


def findings(written: Sequence[Written], fate: Fate) -> list[str]:
    """What must not be."""
    found = []
    for one in written:
        reported = fate.bad.get(one.path)
        if unreported(one, fate):
            found.append(f"{one.kind}: {one.path!r} is neither indexed nor reported")
        elif one.must == "good" and one.path not in fate.indexed:
            found.append(f"{one.kind}: {one.path!r} is sound, and was called {reported}")
        elif one.must == "bad" and one.path in fate.indexed:
            found.append(f"{one.kind}: {one.path!r} was indexed")
        elif one.must != "bad" and reported and reported[0] in ENDED_BY_A_FILE[:1]:
            found.append(f"{one.kind}: {one.path!r} has ended its decoder: {reported}")
    return found


def ask_the_page(stack: Stack, *, seed: int) -> list[str]:
    """Search by one file of every kind: an answer or a refusal with a reason, and never a failure."""
    chance = random.Random(seed)
    found = []
    for name, kind in KINDS.items():
        answer = stack.upload(kind.make(chance), k=3)
        refused = 400 <= answer.status < 500
        if answer.status >= 500 or ((kind.must == "bad") != refused and kind.must != "either"):
            found.append(f"a search by {name} was answered with {answer.status}: {answer.body[:200]!r}")
    return found
