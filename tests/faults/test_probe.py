"""A fault counts as recovered from at the first search that finds something, not at the first answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import pytest

from bench.ports import free_port
from bench.stack import Stack
from bench.under_fire.nemesis import Nemesis
from bench.under_fire.probe import Probe
from bench.under_fire.world import World
from tests.faults.answering import Told, answering

FOUND: Told = (200, {"results": [{"image_id": 1}]})
NOTHING: Told = (200, {"results": []})
AWAY: Told = (503, {"error": "away"})


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "one.jpg"
    path.write_bytes(b"picture")
    return path


@pytest.mark.parametrize(("told", "recovered"), [(FOUND, True), (NOTHING, False), (AWAY, False), ((500, {}), False)])
def test_only_a_search_that_finds_something_is_an_answer(photo: Path, told: Told, recovered: bool) -> None:
    with answering(told) as server:
        assert Probe(server, photo)() is recovered


def test_nobody_there_is_no_answer_and_the_next_one_signs_in_anew(photo: Path) -> None:
    server = Stack(Path("home"), Path("root"), port=free_port(), token="signed in", cookies="one")
    assert Probe(server, photo)() is False
    assert (server.token, server.cookies) == ("", "")


class Started:
    """A world in which nothing has ended."""

    def __init__(self) -> None:
        self.starts = 0

    def start(self) -> None:
        """There is nothing to start."""
        self.starts += 1


def test_recovery_lasts_until_a_search_finds_something(photo: Path) -> None:
    world = Started()
    with answering(AWAY, NOTHING, NOTHING, NOTHING, FOUND) as server:
        nemesis = Nemesis(cast(World, world), Probe(server, photo), seed=1)
        nemesis.recovered("kill web", time.monotonic() - 5)
    assert world.starts == 5
    [[seconds]] = nemesis.recovery_s.values()
    assert seconds >= 5 + 4 * 0.1
