"""Whoever is answered with 500, fails or hangs in a run under faults is noticed, a labeller too."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bench.stack import Stack
from bench.under_fire.clients import Client, Searcher
from bench.under_fire.labellers import Labeller
from bench.under_fire.people import bring_to_end, done_by, internal_errors
from tests.faults.answering import answering

WRITTEN = {"batch": 1, "applied": 9, "unchanged": 0, "repeated": False}


class Once(Labeller):
    """One change, and no more."""

    def _one_change(self) -> None:
        super()._one_change()
        self.stop.set()


def test_answers_of_500_are_counted_for_labellers_and_clients(tmp_path: Path) -> None:
    picture = tmp_path / "one.jpg"
    picture.write_bytes(b"picture")
    stop = threading.Event()
    with answering((500, {}), (503, {}), (500, {}), (200, WRITTEN)) as server:
        labeller = Once(0, server, list(range(20)), stop)
        labeller.start()
        bring_to_end([labeller], within_s=30)
    with answering((500, {})) as server:
        searcher = Searcher(photos=[picture], rest_s=0.0, server=server, stop=stop, seed=1)
        searcher.act()
    done = done_by([labeller, searcher])
    assert done == {
        "decide": 1,
        "label change refused with 500": 2,
        "label change refused with 503": 1,
        "refused with 500": 1,
    }
    assert internal_errors([labeller, searcher]) == 3
    assert internal_errors([labeller]) == 2
    assert [one.tries for one in labeller.journal] == [4]


class Deaf(Client):
    """Is told to stop, and does not."""

    at_it, let_go = threading.Event(), threading.Event()

    def act(self) -> None:
        self.at_it.set()
        self.let_go.wait()


class Failing(Client):
    """Cannot go on."""

    def act(self) -> None:
        raise ValueError("no way")


def test_who_hangs_or_fails_ends_the_run() -> None:
    server, stop = Stack(Path("home"), Path("root")), threading.Event()
    deaf = Deaf("deaf", server=server, stop=stop, seed=1)
    failing = Failing("failing", server=server, stop=stop, seed=1)
    deaf.start()
    failing.start()
    assert deaf.at_it.wait(30)
    failing.join(30)
    stop.set()
    try:
        with pytest.raises(RuntimeError, match="deaf was told to stop, and goes on"):
            bring_to_end([deaf], within_s=0.2)
        with pytest.raises(RuntimeError, match="failing: ValueError"):
            bring_to_end([failing, deaf], within_s=0.2)
    finally:
        deaf.let_go.set()
    bring_to_end([deaf], within_s=30)
