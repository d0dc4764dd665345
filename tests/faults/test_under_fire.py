"""`ruiji bench faults` itself, in its short form.

The long forms are `make soak`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.faults import CLOCKS
from bench.surroundings import surroundings
from bench.under_fire.index_writers import write_and_kill
from tests.stack import RUIJI

SEED = 1  # with which the second fault is a jump of the clock
FAULTS = (
    "kill child",
    "kill second",
    "kill everything",
    "broker wiped",
    "disk full",
    "error at a point",
    "clock jump",
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The last line of a short run, and its exit code."""
    room = tmp_path_factory.mktemp("run")
    least = ["--operations", "60", "--kills", "1", "--faults", "4", "--minutes", "1.2", "--trainings", "1"]
    command = [*RUIJI, "bench", "faults", "--seed", str(SEED), *least, "--out", str(room), "--only", *FAULTS]
    done = subprocess.run(
        command, env=surroundings(TMPDIR=str(room)), cwd=room, capture_output=True, text=True, timeout=560
    )
    assert done.stdout, done.stderr[-4000:]
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said == json.loads((room / "faults.json").read_text())
    return said


def test_nothing_acknowledged_is_lost_doubled_or_wrong(result: dict[str, Any]) -> None:
    assert (result["lost"], result["duplicates"], result["wrong"]) == (0, 0, 0)
    assert result["acked"] >= 60
    assert result["faults"] >= 2
    assert result["recovery_p95_s"] < 60
    assert sum(result["faults_by_kind"].values()) == result["faults"]
    assert result["lost_below_95"]["files"] == pytest.approx(3 / result["checked"]["files"], rel=1e-3)
    assert set(result["checked"]) >= {"label transactions", "files", "vectors", "thumbnails", "index rows", "trainings"}


def test_the_clock_jumped_where_it_can_be_moved(result: dict[str, Any]) -> None:
    if result["clock_is"] == CLOCKS[False]:
        pytest.skip(result["clock_is"])
    assert result["clock_is"] == CLOCKS[True]
    assert result["faults_by_kind"]["clock jump"] >= 1


def test_four_writers_in_the_embedded_index_lose_no_row_when_it_is_killed(tmp_path: Path) -> None:
    """What one of them would lose without our lock: tests/deploy/test_milvus_lite_writes.py."""
    done = write_and_kill(tmp_path, writers=4, rows=1500, kills=1, batches=6, seed=3)
    assert done.acked >= 6 * 1500
    assert done.lost == 0
