"""The audit log is only ever added to: the database itself refuses all else, and a restore keeps what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, delete, text, update
from sqlalchemy.exc import IntegrityError

from catalog import sessions, tables
from catalog.audit import AuditEvent, By, everything, note
from catalog.backup import write_backup
from catalog.joining import join
from catalog.ledger import Ledger
from catalog.one_time_links import look_at
from catalog.passwords import Passwords
from catalog.restore import restore
from catalog.sessions import Lifetime
from catalog.sign_in import Door, sign_in
from catalog.statements import insert_or
from catalog.user_errors import LinkGone
from catalog.users import add_user, invite_again
from tests.catalog.conftest import DATABASES, new_database

ANNA = By("anna", "192.0.2.1")
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "four words and more"


@pytest.fixture(params=DATABASES)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """Another empty ledger, once on each kind of database."""
    url = f"sqlite:///{tmp_path}/other.db"
    if request.param == "postgresql":
        like = request.getfixturevalue("migrated_postgresql")
        url = new_database(request.getfixturevalue("postgresql"), like=like)
    opened = Ledger.open(url)
    yield opened
    opened.close()


def change(connection: Connection) -> None:
    connection.execute(update(tables.audit_event).values(target="another"))


def clear(connection: Connection) -> None:
    kept_under_another_name = tables.audit_event
    connection.execute(delete(kept_under_another_name))


def clear_as_the_table_does(connection: Connection) -> None:
    connection.execute(tables.audit_event.delete().where(tables.audit_event.c.actor == "anna"))


def write_over(connection: Connection) -> None:
    line = {"id": 1, "at": 1.0, "actor": "x", "action": "x", "target": "x", "address": "x", "outcome": "done"}
    made = insert_or(connection, tables.audit_event).values(**line)
    connection.execute(made.on_conflict_do_update(index_elements=["id"], set_={"actor": "x"}))


def empty(connection: Connection) -> None:
    """In the words that a restore empties the other tables with."""
    postgresql = connection.dialect.name == "postgresql"
    connection.execute(text("TRUNCATE audit_event" if postgresql else "DELETE FROM audit_event"))


ALL = [change, clear, clear_as_the_table_does, write_over, empty]


@pytest.mark.parametrize("attempt", ALL)
def test_no_statement_changes_or_deletes_a_line(any_ledger: Ledger, attempt: Callable[[Connection], None]) -> None:
    note(any_ledger, ANNA, "export", "1")
    before = list(everything(any_ledger))
    with pytest.raises(IntegrityError, match="only ever added to"), any_ledger.write() as connection:
        attempt(connection)
    assert list(everything(any_ledger)) == before
    note(any_ledger, ANNA, "export", "2")
    assert [line.target for line in everything(any_ledger)] == ["1", "2"]


@pytest.mark.parametrize("attempt", ALL)
def test_control_without_the_triggers_each_of_them_does(ledger_url: str, attempt: Callable[[Connection], None]) -> None:
    before_them = Ledger.open(ledger_url, revision="0007")
    note(before_them, ANNA, "export", "1")
    before = list(everything(before_them))
    with before_them.write() as connection:
        attempt(connection)
    assert list(everything(before_them)) != before
    before_them.close()


def without_number(lines: list[AuditEvent]) -> list[AuditEvent]:
    return [replace(line, id=0) for line in lines]


def test_a_restore_keeps_every_line_and_says_that_it_was(any_ledger: Ledger, tmp_path: Path) -> None:
    note(any_ledger, ANNA, "export", "before")
    made = write_backup(any_ledger, tmp_path / "old.zip", version="0")
    note(any_ledger, ANNA, "user added", "since")
    before = list(everything(any_ledger))
    for times in (1, 2):
        restore(any_ledger, tmp_path / "old.zip")
        lines = list(everything(any_ledger))
        assert lines[:2] == before, "with the numbers that they had"
        assert len(lines) == 2 + times, "one more for each restore, and none twice"
        assert (lines[-1].actor, lines[-1].action, lines[-1].outcome) == ("shell", "restored", "done")
        assert lines[-1].target.startswith("old.zip, made 20") and lines[-1].at > made.made_at
    assert len({line.id for line in lines}) == len(lines)


def test_into_another_ledger_the_lines_of_both_are_there(any_ledger: Ledger, other: Ledger, tmp_path: Path) -> None:
    note(any_ledger, ANNA, "export", "first there\n飛行機")
    for number in range(1000):  # more than are looked for at once
        with any_ledger.write() as connection:
            note(connection, ANNA, "export", f"there {number}")
    there = list(everything(any_ledger))
    write_backup(any_ledger, tmp_path / "there.zip", version="0")
    note(other, ANNA, "export", "here")
    here = list(everything(other))
    restore(other, tmp_path / "there.zip")
    lines = list(everything(other))
    assert lines[:1] == here and without_number(lines[1:-1]) == without_number(there)
    assert lines[-1].action == "restored"
    note(other, ANNA, "export", "after")
    assert list(everything(other))[-1].id > lines[-1].id


def test_an_empty_ledger_gets_the_lines_with_their_numbers(any_ledger: Ledger, other: Ledger, tmp_path: Path) -> None:
    for number in range(3):
        note(any_ledger, ANNA, "export", str(number))
    there = list(everything(any_ledger))
    write_backup(any_ledger, tmp_path / "there.zip", version="0")
    restore(other, tmp_path / "there.zip")
    assert list(everything(other))[:-1] == there


def test_a_restore_that_breaks_off_has_not_been(
    any_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_backup(any_ledger, tmp_path / "old.zip", version="0")
    note(any_ledger, ANNA, "export", "since")
    before = list(everything(any_ledger))

    def break_off(*_: object) -> None:
        raise OSError("the machine went down")

    monkeypatch.setattr("catalog.audit.clock", break_off)  # in the last line that is written
    with pytest.raises(OSError, match="went down"):
        restore(any_ledger, tmp_path / "old.zip")
    assert list(everything(any_ledger)) == before


def test_no_session_or_link_comes_back_with_a_restore(any_ledger: Ledger, other: Ledger, tmp_path: Path) -> None:
    user, code = add_user(any_ledger, "bob", role="labeller", by=ANNA)
    join(any_ledger, CHEAP, code, password=PASSWORD, address="")
    session = sign_in(Door(any_ledger, CHEAP, b"key"), name="bob", password=PASSWORD, address="")
    link = invite_again(any_ledger, user.id, by=ANNA)
    write_backup(any_ledger, tmp_path / "old.zip", version="0")
    assert sessions.find(any_ledger, session, Lifetime()) is not None
    for ledger in (any_ledger, other):
        restore(ledger, tmp_path / "old.zip")
        assert sessions.find(ledger, session, Lifetime()) is None
        with pytest.raises(LinkGone):
            look_at(ledger, link)
        assert sign_in(Door(ledger, CHEAP, b"key"), name="bob", password=PASSWORD, address="")
