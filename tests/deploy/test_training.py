"""`ruiji training`: the runs that the ledger knows, and what can be done with them without a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import gangs
from catalog.errors import UnknownRun
from catalog.gangs import Member
from catalog.ledger import Ledger
from catalog.run_progress import note_epochs
from catalog.runs import Epoch, create_run, get_run
from catalog.sources import add_source
from deploy.shell.training import change, show_all
from settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose stack does not run."""
    return Settings(home=tmp_path / "home")


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> int:
    """A run that a worker trains: one of three epochs is done."""
    settings.home.mkdir()
    ledger = Ledger.open(settings.resolved_database_url())
    source = add_source(ledger, tmp_path, name="holidays")
    found = create_run(ledger, name="mine", preset="photos", source_ids=[source.id], author="test")
    for stage in ("prepare", "train"):
        member = gangs.offer(ledger, worker="w", address="127.0.0.1", lease_s=60)
        assert isinstance(member, Member)
        if stage == "prepare":
            gangs.advance(ledger, member, "train", epochs=3)
            gangs.leave(ledger, member)
    assert isinstance(member, Member)
    note_epochs(ledger, member, [Epoch(1, 4.25, 0.1, 0.08, None, 812.0, 30.0)])
    ledger.close()
    return found


def test_no_run_is_told_with_where_to_start_one(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    Ledger.open(settings.resolved_database_url()).close()
    assert show_all(settings) == 0
    assert "start one on the encoders page" in capsys.readouterr().out


def test_a_run_is_listed_paused_resumed_and_cancelled(
    settings: Settings, run: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert show_all(settings) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "mine" in line)
    assert line.split() == [str(run), "mine", "photos", "train", "1", "of", "3", "4.250", "812", "60", "s"]
    assert change(settings, run, action="pause") == 0
    assert capsys.readouterr().out == f"run {run}, mine: paused\n"
    assert change(settings, run, action="pause") == 1
    assert f"run {run} is paused: pause does nothing to it" in capsys.readouterr().err
    assert change(settings, run, action="resume") == 0
    assert "the run goes on once a worker that trains is there" in capsys.readouterr().err
    assert change(settings, run, action="cancel") == 0
    assert get_run(Ledger.open(settings.resolved_database_url()), run).state == "cancelled"
    with pytest.raises(UnknownRun, match="no training run 99"):
        change(settings, 99, action="pause")
