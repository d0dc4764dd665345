"""What decoding in a process of its own costs, against the same decoding in this one."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.ingest import decode_alone
from bench.pictures import write_jpegs
from bench.repeat import interleave, median_ratio
from ingest.decode import read_and_decode
from ingest.pool import DecodePool

FILES = 1500
SIDE = 96
REPETITIONS = 5


def ratio() -> float:
    """Seconds of one decode child over those of this process for the same files, the median of five pairs."""
    with TemporaryDirectory(prefix="ruiji-bench-") as name, DecodePool(1, size=SIDE) as pool:
        paths = write_jpegs(Path(name), count=FILES, width=SIDE, height=SIDE)

        def here() -> float:
            started = time.perf_counter()
            for path in paths:
                read_and_decode(bytes(path), size=SIDE)
            return time.perf_counter() - started

        sides = {"child": lambda: decode_alone(pool, paths), "here": here}
        found = interleave(sides, repetitions=REPETITIONS)
    return median_ratio(found["child"], found["here"])
