"""Whatever a person has configured for their own Ruiji, no test and no benchmark touches it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import running as measured
from bench.surroundings import surroundings
from deploy.process import Part
from tests.stack import Stack
from tests.webui import room

POISON = "postgresql://person@127.0.0.1:1/photos"
# What a process would take for its ledger, started as the stack starts its own.
ASK = "from settings import Settings; print(repr(Settings().database_url), Settings().chunk_files)"


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that Ruiji reads settings from, and variables of every spelling."""
    folder = tmp_path / "person"
    folder.mkdir()
    (folder / ".env").write_text(f"RUIJI_DATABASE_URL={POISON}\nRUIJI_CHUNK_FILES=7\n")
    (folder / "ruiji.toml").write_text(f'database_url = "{POISON}"\nchunk_files = 8\n')
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RUIJI_DATABASE_URL", POISON)
    monkeypatch.setenv("ruiji_index_url", "http://127.0.0.1:1")
    monkeypatch.setenv("RUIJI_CONFIG", str(folder / "ruiji.toml"))
    return folder


def test_the_person_would_be_believed(person: Path) -> None:
    environment = surroundings() | dict(os.environ)
    said = subprocess.check_output([sys.executable, "-c", ASK], env=environment, cwd=person, text=True)
    assert said.split() == [repr(POISON), "7"]


def test_variables_are_dropped_in_any_spelling() -> None:
    kept = surroundings(RUIJI_HOME="/somewhere")
    settings = {name: value for name, value in kept.items() if name.upper().startswith("RUIJI_")}
    assert settings == {"RUIJI_HOME": "/somewhere", "RUIJI_CONFIG": os.devnull}
    assert kept["PATH"] == os.environ["PATH"]


def test_a_stack_reads_its_own_settings_only(tmp_path: Path) -> None:
    stack = Stack(home=tmp_path / "home", allowed_root=tmp_path, environment={"RUIJI_CHUNK_FILES": "9"})
    shown = stack.command("settings")
    assert shown.returncode == 0, shown.stderr
    values = dict(line.split()[:2] for line in shown.stdout.splitlines())
    assert (values["RUIJI_DATABASE_URL"], values["RUIJI_INDEX_URL"]) == ('""', '""')
    assert (values["RUIJI_HOME"], values["RUIJI_CHUNK_FILES"]) == (f'"{stack.home}"', "9")


def test_a_part_of_the_pages_tests_reads_none(tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    code = f"import pathlib, time; {ASK.replace('print(', 'said = (')}; " + (
        f"pathlib.Path({str(answer)!r}).write_text(' '.join(map(str, said))); time.sleep(60)"
    )
    with room.running(Part(name="asked", command=(sys.executable, "-c", code)), ready=answer.exists):
        pass
    assert answer.read_text().split() == ["''", "512"]


def test_a_benchmark_starts_its_stack_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: dict[str, object] = {}

    def start(command: list[str], **options: object) -> None:
        started.update(options)
        raise InterruptedError

    monkeypatch.setattr("bench.running.subprocess.Popen", start)
    with contextlib.suppress(InterruptedError), measured.running(tmp_path / "home", allowed=[tmp_path]):
        pass
    assert started["cwd"] == tmp_path / "home"
    environment = started["env"]
    assert isinstance(environment, dict)
    assert POISON not in environment.values()
    assert {name for name in environment if name.upper().startswith("RUIJI_")} == {
        "RUIJI_ALLOWED_ROOTS",
        "RUIJI_CONFIG",
        "RUIJI_HOME",
        "RUIJI_PORT",
    }
