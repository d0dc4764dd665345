"""A fault of a training is counted under the stage in which it struck, and under what of it was struck."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bench.under_fire import nemesis
from bench.under_fire.nemesis import Nemesis
from bench.under_fire.rows import rows
from bench.under_fire.world import World
from catalog import gangs
from catalog.gangs import Member
from catalog.ledger import Ledger
from catalog.runs import create_run
from catalog.sources import add_source


class Trained:
    """As much of a world as a training needs: a ledger with a run, and a process for its worker."""

    engines = None

    def __init__(self, ledger: Path, process: subprocess.Popen[bytes]) -> None:
        self.ledger, self.process = ledger, process

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the ledger."""
        return rows(self.ledger, statement)

    def pids(self, part: str) -> list[int]:
        """The one process for whatever is asked for."""
        assert part in nemesis.TRAINERS
        return [self.process.pid]

    def send(self, pids: list[int], number: signal.Signals) -> None:
        """As it does."""
        for _ in pids:
            self.process.send_signal(number)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(["sleep", "60"])
    yield started
    started.kill()
    started.wait()


@pytest.fixture
def member(tmp_path: Path) -> Iterator[tuple[Ledger, Member]]:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    source = add_source(ledger, tmp_path)
    create_run(ledger, name="one", preset="quick-cpu", source_ids=[source.id], author="test")
    offered = gangs.offer(ledger, worker="w", address="127.0.0.1", lease_s=30)
    assert isinstance(offered, Member)
    yield ledger, offered
    ledger.close()


Striking = Callable[[str, str], Nemesis]


@pytest.fixture
def striking(
    tmp_path: Path,
    process: subprocess.Popen[bytes],
    member: tuple[Ledger, Member],
    monkeypatch: pytest.MonkeyPatch,
) -> Striking:
    """A nemesis that waits for this stage, though not long, and strikes this part of the training."""

    def made(stage: str, part: str) -> Nemesis:
        monkeypatch.setattr(nemesis, "STAGES", (stage,))
        monkeypatch.setattr(nemesis, "TRAINERS", (part,))
        monkeypatch.setattr(nemesis, "STAGE_LASTS_S", 0.0)
        monkeypatch.setattr(nemesis, "STAGE_WITHIN_S", 0.0)
        return Nemesis(cast(World, Trained(tmp_path / "ledger.db", process)), lambda: True, seed=1)

    return made


def test_a_kill_is_counted_by_stage_and_target(striking: Striking, process: subprocess.Popen[bytes]) -> None:
    one = striking("prepare", "train")
    assert one._do("kill training") is not None
    assert process.wait(30) == -signal.SIGKILL
    assert dict(one.stages) == {"kill training: prepare, worker": 1}
    assert one.kills == 1


def test_the_stage_is_the_one_that_was_struck_though_another_was_waited_for(
    striking: Striking, member: tuple[Ledger, Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = striking("prepare", "training")
    ledger, offered = member
    sleep: Callable[[float], None] = time.sleep

    def meanwhile(seconds: float) -> None:
        gangs.advance(ledger, offered, "train")
        sleep(min(seconds, 0.1))

    monkeypatch.setattr(time, "sleep", meanwhile)
    assert one._do("stop training") is not None
    assert dict(one.stages) == {"stop training: train, process": 1}


def test_a_stage_that_does_not_come_is_not_counted(striking: Striking) -> None:
    one = striking("ship", "train")
    assert one._do("kill training") is None
    assert one._do("stop training") is None
    assert not one.stages
