"""SIGKILLs at seeded moments of an ingest: what was there stays, and the ingest ends with each image exactly once.

All of them hit one installation, one after another, so each also finds what those before it have left.
`RUIJI_FAULT_KILLS=8 pytest tests/faults` runs more of them, and `make soak` hundreds; the ordinary run keeps to a few.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from catalog.fault_points import VARIABLE
from catalog.index import VectorIndex
from tests.photos import KINDS, write_folder
from tests.stack import Stack

KILLS = int(os.environ.get("RUIJI_FAULT_KILLS", "1"))
PER_KIND = 100
# What a kill hits: one part (all others then stop by themselves), or everything at once.
VICTIMS = ["embed", "index", "query", "gunicorn", "valkey", "milvus", "beat", "everything"]
# Between two durable writes; `catalog/fault_points.py` ends the process there.
POINTS = [
    "scan.recorded",
    "shard.written",
    "chunk.committed",
    "index.upserted",
    "index.finished",
]


@dataclass
class Installation:
    """The stack that all kills hit, and how many images it must have."""

    stack: Stack
    points: Path
    images: int = 0

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.stack.process is None or self.stack.process.poll() is not None:
            left = self.stack.wait_gone()
            assert not left, f"the death of one part must stop all: {left}"
            self.stack.start()

    def ingest(self, seed: int) -> int:
        """Begin to ingest a folder of new pictures; returns the job."""
        folder = self.stack.allowed_root / f"photos-{seed}"
        write_folder(folder, per_kind=PER_KIND, labelled=True, first_seed=seed * PER_KIND)
        job = self.stack.ingest(folder, labels_from_folders=True)
        self.images += PER_KIND * len(KINDS)
        return job

    def arm(self, point: str) -> None:
        """The process that comes to this point next will die there."""
        (self.points / f"{point}.armed").touch()

    def is_armed(self, point: str) -> bool:
        """Whether no process has come to this point yet."""
        return (self.points / f"{point}.armed").exists()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    room = tmp_path_factory.mktemp("kills")
    points = room / "points"
    points.mkdir()
    environment = {"RUIJI_CHUNK_FILES": "40", "RUIJI_LEASE_S": "10", VARIABLE: str(points)}
    stack = Stack(home=room / "home", allowed_root=room, environment=environment)
    yield Installation(stack, points)
    stack.stop()
    assert not stack.wait_gone()


def pick(stack: Stack, victim: str) -> list[int]:
    """The processes that a kill of this victim hits."""
    found = stack.processes()
    return [pid for pid, line in found.items() if victim == "everything" or victim in line]


def indexed(stack: Stack) -> list[int]:
    """The ids of every row of the index, asked of Milvus itself."""
    index = VectorIndex(f"http://127.0.0.1:{int((stack.home / 'run' / 'milvus.port').read_text())}")
    try:
        (collection,) = index.collections()
        return sorted(index.fetch_ids(collection).tolist())
    finally:
        index.close()


def check_exactly_once(stack: Stack, *, images: int, labelled: int) -> None:
    """Ledger, shards and index each hold every image once, and every label is there."""
    ledger = sqlite3.connect(f"file:{stack.home}/ledger.db?mode=ro", uri=True)
    try:
        alive = {row[0] for row in ledger.execute("SELECT id FROM image WHERE deleted_at IS NULL")}
        assert len(alive) == images
        rows = ledger.execute("SELECT image_id, shard_id, row FROM embedding").fetchall()
        assert sorted(row[0] for row in rows) == sorted(alive)
        held: list[int] = []
        for shard_id, key in ledger.execute("SELECT id, key FROM shard").fetchall():
            content = load_file(stack.home / "artifacts" / key)
            held.extend(content["ids"].tolist())
            lengths = np.linalg.norm(content["vectors"], axis=1)
            assert np.allclose(lengths, 1, atol=1e-4)
            for image_id, _, row in (entry for entry in rows if entry[1] == shard_id):
                assert content["ids"][row] == image_id
        assert sorted(held) == sorted(alive), "an image is in two shards, or in none"
        states = ledger.execute("SELECT count(*) FROM label_state WHERE state = 'yes'").fetchone()[0]
        events = ledger.execute("SELECT count(*) FROM label_event").fetchone()[0]
        assert states == labelled
        assert events >= labelled
    finally:
        ledger.close()
    assert indexed(stack) == sorted(alive)
    found = stack.post("/api/v1/search", {"image_id": max(alive), "k": 1000}).json()
    returned = [result["image_id"] for result in found["results"]]
    assert len(set(returned)) == len(returned) == min(images, 1000)
    assert set(returned) <= alive


def run_with_kills(installation: Installation, *, seed: int, kills: int, point: str | None = None) -> None:
    """One ingest that is killed `kills` times, started again each time, and checked at its end."""
    randomly = random.Random(seed)
    installation.start()
    stack = installation.stack
    # The index worker may still be at the labels of the round before: it would die before this one's ingest begins.
    early = point if point and not point.startswith("index.") else None
    if early:
        installation.arm(early)
    job = installation.ingest(seed)
    if point and not early:
        installation.arm(point)
    for _ in range(kills):
        if point:
            until = time.monotonic() + 120
            while installation.is_armed(point) and time.monotonic() < until:
                time.sleep(0.02)
            assert not installation.is_armed(point), f"the ingest never came to {point}"
        else:
            time.sleep(randomly.uniform(0.0, 2.5))
            victim = randomly.choice(VICTIMS)
            hit = pick(stack, victim)
            assert hit, f"no process of {victim!r} is running: {stack.processes()}"
            stack.kill(hit)
        left = stack.wait_gone()
        assert not left, f"the death of one part must stop all: {left}"
        installation.start()
    done = stack.wait_job(job)
    assert done["bad"] == 0, done
    check_exactly_once(stack, images=installation.images, labelled=installation.images)


@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_at_a_random_moment(installation: Installation, seed: int) -> None:
    run_with_kills(installation, seed=seed, kills=2)


@pytest.mark.parametrize("point", POINTS)
def test_killed_between_two_durable_writes(installation: Installation, point: str) -> None:
    run_with_kills(installation, seed=900 + POINTS.index(point), kills=1, point=point)
