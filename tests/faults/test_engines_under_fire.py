"""`ruiji bench faults --engines` in its short form: PostgreSQL, redis-server and Milvus in place of what Ruiji brings.

A killed Milvus answers no search for half a minute, which is its own: only the long form kills it.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.faults import DISKS
from bench.surroundings import surroundings
from bench.under_fire.engines import missing
from tests.stack import RUIJI

pytestmark = pytest.mark.milvus
FAULTS = ("kill ledger server", "kill broker", "kill backend")
SEED = 2  # with which each of them comes once


def test_killed_engines_lose_nothing_that_was_acknowledged(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if lacking := missing():
        pytest.skip(f"engines are not installed: {', '.join(lacking)}")
    assert pytestconfig.cache is not None
    unpacked = pytestconfig.cache.mkdir("milvus-2.3.5")
    least = ["--operations", "60", "--kills", str(len(FAULTS)), "--minutes", "1.2", "--trainings", "1"]
    engines = ["--engines", "--unpacked", str(unpacked)]
    command = [
        *RUIJI,
        "bench",
        "faults",
        *engines,
        "--seed",
        str(SEED),
        *least,
        "--out",
        str(tmp_path),
        "--only",
        *FAULTS,
    ]
    done = subprocess.run(
        command, env=surroundings(TMPDIR=str(tmp_path)), cwd=tmp_path, capture_output=True, text=True, timeout=560
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
    said: dict[str, Any] = json.loads((tmp_path / "faults-engines.json").read_text())
    assert (said["lost"], said["duplicates"], said["wrong"]) == (0, 0, 0)
    assert said["faults_by_kind"].keys() == set(FAULTS)
    assert said["acked"] >= 60
    assert said["disk_full_is"] == DISKS[None]
    assert set(said["checked"]) >= {"label transactions", "files", "vectors", "thumbnails", "index rows"}
    assert said["ended"] == {}, "an engine's restart is not to end Ruiji"
