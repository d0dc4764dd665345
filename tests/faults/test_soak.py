"""`ruiji bench soak` in its short form, with a query worker that keeps what it is asked; `make soak`: the long one."""

from __future__ import annotations

import json
import mmap
import multiprocessing
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bench.soak import goals_missed
from bench.surroundings import surroundings
from bench.under_load.memory import Memory, growth, medians, memory_of
from bench.under_load.meter import Meter
from curate.fingerprints import KEPT
from tests.stack import RUIJI

MEGABYTES = 32
SOUND: dict[str, Any] = {
    "requests": 5000,
    "errors": 0,
    "refused": 5,
    "lost": 0,
    "duplicates": 0,
    "wrong": 0,
    "warmed_up_on": KEPT,
    "memory_growth": {"web": 0.05, "index server": 0.4, "broker": 0.2},
    "memory_mb": {"web": 200.0, "index server": 300.0, "broker": 3.0},
}


def test_people_work_meanwhile_and_a_worker_that_keeps_what_it_is_asked_is_noticed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    room = tmp_path_factory.mktemp("soak")  # the queue's socket lies below, and its path must be short
    people = ("--users", "4", "--minutes", "0.2", "--think-s", "0.05")
    photos = ("--photos", "80", "--beside", "20", "--wave", "20", "--rest-s", "1")
    command = [*RUIJI, "bench", "soak", *people, *photos, "--control", "hoarding", "--out", str(room)]
    done = subprocess.run(
        command, env=surroundings(TMPDIR=str(room)), cwd=room, capture_output=True, text=True, timeout=560
    )
    assert done.stdout, done.stderr[-4000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (said["errors"], said["first_errors"]) == (0, [])
    assert (said["lost"], said["duplicates"], said["wrong"]) == (0, 0, 0)
    assert said["acked_labels"] > 5 and said["ingested"] >= 20
    assert said["by_kind"]["POST /api/v1/search"]["requests"] > 10
    assert set(said["memory_mb"]) >= {"web", "query", "embed", "index server"}
    assert done.returncode == 1
    assert any(text.startswith("memory of query") for text in said["missed"])


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, []),
        ({"errors": 1}, ["errors: 1"]),
        ({"lost": 2}, ["lost: 2"]),
        ({"refused": 6}, ["refused: 6"]),
        ({"warmed_up_on": KEPT - 1}, [f"warm-up: {KEPT - 1} photos found of {KEPT}"]),
        ({"memory_growth": {"web": 0.051}}, ["memory of web: +5.1%"]),
        ({"memory_growth": {"broker": -0.2}}, []),
    ],
)
def test_each_goal_can_be_missed(changed: dict[str, Any], missed: list[str]) -> None:
    assert goals_missed({**SOUND, **changed}) == missed


def test_an_answer_is_an_error_a_refusal_or_neither() -> None:
    meter = Meter()
    for status in (200, 202, 429, 503, 404, 500):
        meter.note("GET /", 1.0, status=status, said=b"")
    meter.failed("GET /", ConnectionResetError())
    told = meter.figures()
    assert (told["requests"], told["refused"], told["errors"]) == (6, 2, 3)


def test_growth_is_a_share_of_what_was_there() -> None:
    assert growth({"web": (100.0, 110.0), "query": (200.0, 190.0), "gone": (0.0, 5.0)}) == pytest.approx(
        {"web": 0.1, "query": -0.05}
    )


def test_a_few_percent_that_leak_evenly_are_seen_and_what_fills_in_the_warm_up_is_not() -> None:
    leaking = [200.0 + 16.0 * look / 300 for look in range(300)]  # 8 % in the whole run
    filling = [min(200.0, 100.0 + 2.0 * look) for look in range(300)]
    found = growth({"web": medians(leaking, warm_up=0.2), "query": medians(filling, warm_up=0.2)})
    assert goals_missed({**SOUND, "memory_growth": found, "memory_mb": {"web": 216.0, "query": 200.0}}) == [
        f"memory of web: {found['web']:+.1%}"
    ]


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder whose files are none of memory: pages of a tmpfs are nobody's to take back."""
    with TemporaryDirectory(dir="/var/tmp") as folder:
        kind = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=True).stdout
        if kind.strip() in ("tmpfs", "ramfs"):
            pytest.skip("/var/tmp is no disk here")
        yield Path(folder)


def test_pages_of_a_mapped_file_are_told_from_memory_that_was_allocated(on_disk: Path) -> None:
    # In a process of its own: one that has run a thousand tests hands out again what they left, and stays as it is.
    with multiprocessing.get_context("spawn").Pool(1) as process:
        before, looked_at, allocated = process.apply(mapped_then_allocated, (on_disk / "shard",))
    assert looked_at.mapped - before.mapped > MEGABYTES - 4 and abs(looked_at.own - before.own) < 4
    assert allocated.own - looked_at.own > MEGABYTES - 4 and abs(allocated.mapped - looked_at.mapped) < 4


def mapped_then_allocated(path: Path) -> tuple[Memory, Memory, Memory]:
    """This process's memory before it looks at each page of a mapped file, then, and with as much allocated beside."""
    path.write_bytes(b"x" * (MEGABYTES << 20))
    with path.open("rb") as file:
        before = memory_of(os.getpid())
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert mapped[:: mmap.PAGESIZE].count(b"x") == len(mapped) // mmap.PAGESIZE
            looked_at = memory_of(os.getpid())
            held = b"y" * (MEGABYTES << 20)
            allocated = memory_of(os.getpid())
    assert len(held) == MEGABYTES << 20
    return before, looked_at, allocated
