"""`ruiji bench scale`: what a second embed worker adds, and what a chunk costs besides its work.

Worker processes as `ruiji worker` starts them, each held to one core with its decode child, on a catalog and a broker
of their own, warmed up; one worker and two take turns on the same photos. efficiency_2 is the rate of two over twice
that of one; rates end with the last chunk's commit. `cores` says how many cores workers, broker and this process kept
busy, and all else on the machine: with much elsewhere, two workers are not measured but disturbed.

dispatch_share is what all transactions of the ledger (claims, look-ups of known images, commits, heartbeats) and all
messages to the broker take of a chunk's processor time, in the loop of a worker itself, on one core; the index worker's
wake-up is sent for every chunk. dispatch_waiting_share is the same by the clock, waits for the disk included, which
decoding and the network fill. `shares` says where all of the processor's time goes; `python` is the worker's own work
around decoding, network and store. Shares depend on how large the encoder is: ledger_us_an_image does not.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.embed_farm import farm, workers
from bench.embed_pass import Costs, costs_of
from bench.pictures import write_jpegs
from bench.processor import Load
from bench.record import RESULTS, publish
from bench.repeat import interleave, medians
from settings import Settings

SIDE = 96


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench scale", description=__doc__)
    parser.add_argument("--files", type=int, default=16_000)
    parser.add_argument("--chunk-files", type=int, default=Settings.model_fields["chunk_files"].default)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for scale.json")
    chosen = parser.parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-photos-") as name:
        write_jpegs(Path(name), count=chosen.files, width=SIDE, height=SIDE)
        figures = measure(Path(name), chosen.files, chunk_files=chosen.chunk_files, repetitions=chosen.repetitions)
    publish(
        "scale",
        figures,
        folder=chosen.out,
        engine="openvino, one core for each worker; SQLite and Valkey on the same machine",
        picture_size=f"{SIDE}x{SIDE}",
        files=chosen.files,
        chunk_files=chosen.chunk_files,
        repetitions=chosen.repetitions,
    )
    return 0


def measure(folder: Path, files: int, *, chunk_files: int, repetitions: int) -> dict[str, Any]:
    """Images a second of one worker and of two, and the costs of a chunk."""
    costs: list[Costs] = []
    loads: dict[int, list[dict[str, float]]] = {1: [], 2: []}

    def rate(count: int) -> float:
        with farm() as place, workers(place, count=count) as pids:
            place.warm_up(count)
            place.prepare(folder, chunk_files=chunk_files)
            measured = {"workers": pids, "broker": [place.broker_pid]}
            before = Load.now(**measured)
            took = place.work_off()
            loads[count].append(Load.now(**measured).cores_since(before))
        return files / took

    def look() -> float:
        with farm() as place:
            costs.append(costs_of(place, folder, chunk_files=chunk_files))
        return costs[-1].share

    sides = {"one": lambda: rate(1), "two": lambda: rate(2), "share": look}
    found = interleave(sides, repetitions=repetitions)
    middle = medians(found)
    return {
        "rate_1": middle["one"],
        "rate_2": middle["two"],
        "efficiency_2": statistics.median(two / (2 * one) for one, two in zip(found["one"], found["two"], strict=True)),
        "cores": {name: _medians(loads[count]) for name, count in (("one", 1), ("two", 2))},
        "dispatch_share": middle["share"],
        "dispatch_waiting_share": statistics.median(cost.waiting_share for cost in costs),
        "shares": _medians([cost.shares() for cost in costs]),
        "chunk_ms": 1000 * statistics.median(cost.processor_s / cost.chunks for cost in costs),
        "ledger_ms": 1000 * statistics.median(cost.ledger.processor_s / cost.chunks for cost in costs),
        "ledger_us_an_image": 1e6 * statistics.median(cost.ledger.processor_s / files for cost in costs),
        "broker_ms": 1000 * statistics.median(cost.broker.processor_s / cost.chunks for cost in costs),
    }


def _medians(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}
