"""Commands in a shell that does not know where Ruiji lives: they say so, and make nothing there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ruiji
from catalog.ledger import Ledger
from tests.photos import jpeg, scene

COMMANDS = (
    "status",
    "search PHOTO",
    "export --format csv OUT",
    "export plane OUT",
    "import PHOTOS",
    "ingest PHOTOS",
    "backup OUT",
    "audit",
    "training list",
    "training resume 1",
    "users list",
    "users role anna admin",
    "token list",
    "encoder list",
    "encoder show abc",
    "encoder compare abc def",
    "encoder rollback",
    "encoder export abc OUT",
    "eval --from-ledger abc",
    "map OUT.png",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUIJI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RUIJI_DATABASE_URL", raising=False)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photo.jpg").write_bytes(jpeg(scene("sky", 1)))
    return tmp_path / "home"


def words(command: str, home: Path) -> list[str]:
    here = home.parent
    for name, path in (("PHOTOS", here / "photos"), ("PHOTO", here / "photo.jpg"), ("OUT", here / "out")):
        command = command.replace(name, str(path))
    return command.split()


@pytest.mark.parametrize("command", COMMANDS)
def test_where_no_ruiji_is_a_command_says_so_and_makes_none(command: str, home: Path) -> None:
    done = CliRunner().invoke(ruiji.app, words(command, home))
    assert done.exit_code == 3, done.output
    assert f"there is no Ruiji in {home}; set RUIJI_HOME" in done.output and "ruiji up" in done.output
    assert not home.exists()
    assert not list(home.parent.glob("out*"))


def test_doctor_finds_no_ledger_and_makes_none(home: Path) -> None:
    done = CliRunner().invoke(ruiji.app, ["doctor", "--json"])
    assert done.exit_code == 1, done.output
    [ledger] = [found for found in json.loads(done.stdout)["findings"] if found["what"] == "ledger"]
    assert (ledger["how"], str(home / "ledger.db") in ledger["found"]) == ("wrong", True)
    assert "RUIJI_HOME" in ledger["do"]
    assert not home.exists()


def test_a_file_without_tables_is_no_ruiji_either(home: Path) -> None:
    home.mkdir()
    (home / "ledger.db").touch()
    done = CliRunner().invoke(ruiji.app, ["status"])
    assert (done.exit_code, "there is no Ruiji in" in done.output) == (3, True), done.output


def test_a_ledger_of_an_older_version_is_brought_up_to_date(home: Path) -> None:
    Ledger.open(f"sqlite:///{home}/ledger.db", revision="0001").close()
    done = CliRunner().invoke(ruiji.app, ["users", "list"])
    assert (done.exit_code, done.stdout) == (0, "no users yet: add one with ruiji users add NAME\n"), done.output


def test_an_export_that_holds_nothing_says_so_and_fails(home: Path) -> None:
    Ledger.open(f"sqlite:///{home}/ledger.db").close()
    done = CliRunner().invoke(ruiji.app, words("export --format csv OUT", home))
    assert done.exit_code == 1, done.output
    assert f"nothing is in it: no picture in {home} has a decision about any label" in done.stderr
