"""What is the matter with a database is told from what is wrong with our own statements."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.ledger import Ledger, LedgerError
from catalog.ledger_errors import explain
from worker.logs import AWAY, PlainLines

# Words that the errors of a lost engine have too.
WRONG = ("no_such_column", "timeout", "is_full", "refused")


def logged(error: BaseException) -> str:
    """As a worker logs it."""
    details = (type(error), error, error.__traceback__)
    return PlainLines().format(logging.LogRecord("ruiji.test", logging.WARNING, __file__, 1, "no answer", (), details))


@pytest.mark.parametrize("column", WRONG)
def test_a_wrong_statement_of_ours_is_told_as_one_and_with_its_traceback(any_ledger: Ledger, column: str) -> None:
    with pytest.raises(Exception, match=column) as caught, any_ledger.read() as connection:
        connection.execute(text(f"SELECT {column} FROM image"))
    told = logged(caught.value)
    assert "Traceback" in told and Path(__file__).name in told
    assert "does not answer" not in told and "is not reached" not in told and "disk is full" not in told


@pytest.mark.parametrize("ends", ["pg_terminate_backend", "pg_cancel_backend"])
def test_an_engine_that_ends_it_in_the_middle_is_told_in_a_line(any_ledger: Ledger, ends: str) -> None:
    if any_ledger.dialect == "sqlite":
        pytest.skip("it is a file")
    with pytest.raises(LedgerError) as caught, any_ledger.read() as connection:
        connection.execute(text(f"SELECT {ends}(pg_backend_pid())"))
    assert isinstance(caught.value, AWAY) and "Traceback" not in logged(caught.value)


@pytest.mark.parametrize("upgrade", [True, False])
def test_a_file_that_is_no_ledger_is_told_in_a_line(tmp_path: Path, upgrade: bool) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else" * 1000)
    with pytest.raises(LedgerError, match="not a sound database") as caught:
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db", upgrade=upgrade)
    assert "Traceback" not in logged(caught.value)


def of_sqlite(message: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        ("database is locked", sqlite3.SQLITE_BUSY, "was locked by another process"),
        ("database or disk is full", sqlite3.SQLITE_FULL, "the disk is full"),
        ("attempt to write a readonly database", sqlite3.SQLITE_READONLY, "cannot be written"),
        ("disk I/O error", sqlite3.SQLITE_IOERR_FSYNC, "does not answer: disk I/O error"),
        ("database disk image is malformed", sqlite3.SQLITE_CORRUPT, "not a sound database"),
    ],
)
def test_troubles_of_its_file_are_told_in_a_line(message: str, code: int, said: str) -> None:
    error = explain("the ledger", of_sqlite(message, code))
    assert isinstance(error, AWAY) and said in str(error)


def test_malformed_json_is_no_damage_of_the_ledger() -> None:
    error = explain("the ledger", of_sqlite("malformed JSON", sqlite3.SQLITE_ERROR))
    assert error is not None and "sound" not in str(error) and not isinstance(error, AWAY)
