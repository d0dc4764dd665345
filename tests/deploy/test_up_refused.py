"""What keeps `ruiji up` from starting is told in one line with the remedy, never as a traceback."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

import ruiji
from catalog.ledger import Ledger
from deploy import local
from deploy.encoder_setup import SHIPPED
from deploy.ports import listen
from deploy.shell.failures import FAILED, NOT_RUNNING
from settings import SettingsError
from tests.photos import jpeg, scene
from tests.stack import Stack
from worker.client import WorkerUnavailable


def refused(tmp_path: Path, **environment: str) -> str:
    """The line that it says. The embedded servers are given by URL: none starts only to be stopped."""
    given = {"RUIJI_INDEX_URL": "http://127.0.0.1:1", "RUIJI_BROKER_URL": "redis://127.0.0.1:1/0", **environment}
    stack = Stack(home=tmp_path / "home", allowed_root=tmp_path, environment=given)
    done = stack.command("up")
    assert done.returncode == FAILED, done.stdout + done.stderr
    assert not stack.wait_gone()
    (line,) = done.stderr.splitlines()
    assert line.startswith("ruiji: ")
    return line


def test_a_ledger_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "home" / "ledger.db"
    path.parent.mkdir()
    Ledger.open(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer version (revision 9999): update" in refused(tmp_path)


def test_a_postgresql_that_is_down(tmp_path: Path) -> None:
    line = refused(tmp_path, RUIJI_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/photos")
    assert "127.0.0.1" in line
    assert "secret" not in line


def test_an_encoder_folder_that_is_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(SHIPPED, folder)
    (folder / "config.json").write_text("{")
    line = refused(tmp_path, RUIJI_ENCODER_DIR=str(folder))
    assert str(folder / "config.json") in line
    assert "copy the folder again" in line


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("the embedded index is not running"), NOT_RUNNING),
        (WorkerUnavailable("the broker does not answer"), NOT_RUNNING),
        (PermissionError(13, "Permission denied", "/srv/ruiji"), FAILED),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_ends_a_start_becomes_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(local, "run", fail)
    monkeypatch.setattr("sys.argv", ["ruiji", "up"])
    with pytest.raises(SystemExit) as ended:
        ruiji.main()
    assert ended.value.code == code
    said = capsys.readouterr().err
    expected = {"PermissionError": "ruiji: /srv/ruiji: Permission denied\n", "KeyboardInterrupt": ""}
    assert said == expected.get(type(error).__name__, f"ruiji: {error}\n")


def test_commands_without_a_running_stack_say_how_to_start_it(tmp_path: Path) -> None:
    stack = Stack(home=tmp_path / "home", allowed_root=tmp_path)
    Ledger.open(f"sqlite:///{stack.home}/ledger.db").close()  # of a stack that has run before
    (tmp_path / "a.jpg").write_bytes(jpeg(scene("sky", 1)))
    for arguments in (("ingest", str(tmp_path)), ("search", str(tmp_path / "a.jpg"))):
        told = stack.command(*arguments)
        assert told.returncode == 3, told.stdout + told.stderr
        assert "ruiji up" in told.stderr
        assert "Traceback" not in told.stderr
    assert stack.command("status").returncode == 0
    missing = stack.command("ingest", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "none" in missing.stderr


def test_a_port_asked_for_and_taken_is_an_error(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0, exactly=True) as taken:
        port = taken.getsockname()[1]
        stack = Stack(home=tmp_path / "home", allowed_root=tmp_path, port=port)
        told = stack.command("up")
        assert told.returncode == 1
        assert f"port {port}" in told.stderr
    assert not stack.wait_gone()
