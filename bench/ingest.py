"""`ruiji bench ingest`: how well the stages of an ingest overlap, with a forward pass that takes 1 ms an image.

The stand-in for the forward waits without using a core, as a GPU's would, so that the other stages show. Overlap is the
wall time from an empty ledger to committed shards, over that of the slowest stage alone; 1.0 would be perfect.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.pictures import write_jpegs
from bench.record import RESULTS, publish
from bench.repeat import interleave, median_ratio, medians
from bench.room import Embed, fresh_room
from ingest.channel import Group
from ingest.pool import DecodePool, FileToRead, cut_groups

SECONDS_AN_IMAGE = 0.001
DIMENSION = 512
SIDE = 96
BATCH = 128


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench ingest", description=__doc__)
    parser.add_argument("--files", type=int, default=8000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for ingest.json")
    chosen = parser.parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-photos-") as name:
        folder = Path(name)
        paths = write_jpegs(folder, count=chosen.files, width=SIDE, height=SIDE)
        figures = measure(folder, paths, repetitions=chosen.repetitions)
    publish(
        "ingest",
        figures,
        folder=chosen.out,
        engine="1 ms an image, no core used",
        picture_size=f"{SIDE}x{SIDE}",
        input_size=SIDE,
        files=chosen.files,
        repetitions=chosen.repetitions,
    )
    return 0


def measure(folder: Path, paths: list[Path], *, repetitions: int) -> dict[str, Any]:
    """Seconds of each stage alone, of the whole, and their ratio."""
    embed = waiting_forward()
    stages: dict[str, float] = {}
    with DecodePool(size=SIDE) as pool:

        def whole() -> float:
            with fresh_room(folder, dimension=DIMENSION, input_size=SIDE) as room:
                done = room.ingest(pool, embed)
            if done.files != len(paths):
                raise RuntimeError(f"{done.files} of {len(paths)} files were ingested")
            stages.update(done.stages)
            return done.seconds

        def scan() -> float:
            with fresh_room(folder, dimension=DIMENSION, input_size=SIDE) as room:
                return room.scan()

        found = interleave(
            {
                "wall": whole,
                "scan": scan,
                "decode": lambda: decode_alone(pool, paths),
                "forward": lambda: forward_alone(embed, len(paths)),
            },
            repetitions=repetitions,
        )
    middle = medians(found)
    slowest = max(("scan", "decode", "forward"), key=lambda stage: middle[stage])
    return {
        "images_per_s": len(paths) / middle["wall"],
        "wall_s": middle["wall"],
        "slowest_stage_s": middle[slowest],
        "overlap": median_ratio(found["wall"], found[slowest]),
        "slowest_stage": slowest,
        "alone_s": {stage: middle[stage] for stage in ("scan", "decode", "forward")},
        "without_overlap_s": middle["scan"] + middle["decode"] + middle["forward"] + stages["store"] + stages["commit"],
        "inside_s": {name: stages[name] for name in sorted(stages) if name != "wall"},
    }


def waiting_forward() -> Embed:
    """A forward pass that takes SECONDS_AN_IMAGE for each picture and gives unit vectors, different ones each time."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4096, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed(pictures: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        until = time.perf_counter() + SECONDS_AN_IMAGE * len(pictures)
        start = int(random.integers(0, len(vectors)))
        chosen = vectors[(start + np.arange(len(pictures))) % len(vectors)]
        time.sleep(max(0.0, until - time.perf_counter()))
        return chosen

    return embed


def decode_alone(pool: DecodePool, paths: list[Path]) -> float:
    """Seconds that the decode children take for all files, always supplied: reading, hash, pixels, thumbnails."""
    files = [FileToRead(bytes(path)) for path in paths]
    groups = cut_groups(files, [path.stat().st_size for path in paths], group_files=pool.group_files)
    waiting: deque[Future[Group]] = deque()
    started = time.perf_counter()
    for group in groups:
        waiting.append(pool.submit(group))
        if len(waiting) >= 4 * pool.processes:
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()
    return time.perf_counter() - started


def forward_alone(embed: Embed, count: int) -> float:
    """Seconds of the forward pass alone for that many pictures."""
    pictures = np.zeros((BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    started = time.perf_counter()
    for first in range(0, count, BATCH):
        embed(pictures[: min(BATCH, count - first)])
    return time.perf_counter() - started
