"""What cannot be tried here is said in a sentence, with what to install, and keeps nothing else from being tried."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import faults, long, postgresql_server
from bench.postgresql_server import PostgreSQL
from bench.stack import StackError
from bench.under_fire.tally import Goal
from tests.faults.test_long import FAKE, GOALS, run

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without PostgreSQL and redis-server."""
    monkeypatch.setattr(postgresql_server, "PROGRAMS", [])
    monkeypatch.setenv("PATH", str(tmp_path))


def test_engines_that_are_not_installed_are_named(bare: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.main(["--engines"]) == 3
    said = capsys.readouterr()
    assert "Debian's package postgresql, Debian's package redis-server" in said.err
    assert said.out == ""


def test_a_postgresql_that_is_not_installed_says_what_to_install(bare: None) -> None:
    server = PostgreSQL("secret")
    try:
        with pytest.raises(StackError, match="Debian's package postgresql"):
            server.start()
    finally:
        server.stop()


def test_what_may_be_missing_is_installed_for_the_tests() -> None:
    ours = (ROOT / ".ci" / "run").read_text()
    assert {"postgresql", "redis-server"} <= set(ours.replace("(", " ").replace(")", " ").split())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--only", "typo"], "typo: no fault is called so; there are kill web"),
        (["--engines", "--only", "disk full"], "disk full: no fault is called so"),
    ],
)
def test_a_fault_that_there_is_not_is_told_before_anything_starts(
    given: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        faults.main(given)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_long_forms_go_on_without_a_part_that_cannot_run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script, python = tmp_path / "fake.py", tmp_path / "python"
    script.write_text(FAKE.format(result=json.dumps(run("", wiped=30))) + "\n")
    python.write_text(
        f'#!/bin/sh\nshift 5\ncase "$*" in *--engines*) exit 3;; esac\nexec {sys.executable} {script} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    engines = long.Part("engines", ("faults", "--engines", "--x"), (Goal("kills", 1, ("kills",)),))
    monkeypatch.setattr(long, "PARTS", (engines, long.Part("broker", ("faults",), GOALS)))
    assert long.main(["--minutes", "1", "--out", str(tmp_path)]) == long.LEFT_OUT
    said = capsys.readouterr().err
    assert "broker: 31 of 20 queues wiped" in said
    assert "left out, as what it needs is not installed: engines" in said
    assert not (tmp_path / "long-engines.json").exists()


SOAK = """#!/bin/sh
echo "$*" >> said
case "$2" in long) exit {code} ;; esac
"""


@pytest.mark.parametrize(
    ("code", "goes_on", "fails"), [(0, True, False), (3, True, False), (4, True, True), (1, False, True)]
)
def test_make_soak_goes_on_where_something_was_left_out_and_fails_at_its_end(
    tmp_path: Path, code: int, goes_on: bool, fails: bool
) -> None:
    program = tmp_path / "ruiji"
    program.write_text(SOAK.format(code=code))
    program.chmod(0o755)
    rule = ["make", "-f", str(ROOT / "Makefile"), "-o", ".venv/.all", f"BIN={tmp_path}", "soak"]
    done = subprocess.run(rule, cwd=tmp_path, capture_output=True, text=True)
    said = (tmp_path / "said").read_text().splitlines()
    assert [line.split()[1] for line in said] == (["long", "soak"] if goes_on else ["long"]), done.stderr
    assert (done.returncode != 0) == fails
