"""`ruiji bench NAME` hands everything after the name to the benchmark."""

from __future__ import annotations

import subprocess

import pytest

from bench.surroundings import surroundings
from tests.stack import RUIJI


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], "Run a benchmark; its last line is one JSON object"),
        (["faults", "--help"], "usage: ruiji bench faults"),
        (["long", "-h"], "usage: ruiji bench long"),
    ],
)
def test_help_is_that_of_whom_it_is_asked(arguments: list[str], words: str) -> None:
    done = subprocess.run(
        [*RUIJI, "bench", *arguments], env=surroundings(COLUMNS="200"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
