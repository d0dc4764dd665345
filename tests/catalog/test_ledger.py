"""Opening, durability, transactions, threads, processes and forks."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from catalog import tables
from catalog.errors import CatalogError
from catalog.ledger import Ledger, LedgerBusy, LedgerError

ADD = """
import sys
from sqlalchemy import insert
from catalog import tables
from catalog.ledger import Ledger
ledger = Ledger.open(sys.argv[1])
for number in range(int(sys.argv[3])):
    with ledger.write() as connection:
        values = {"name": f"{sys.argv[2]}-{number}", "exclusive": False, "created_at": 0.0}
        connection.execute(insert(tables.label_group).values(**values))
"""


def add(ledger: Ledger, name: str) -> None:
    with ledger.write() as connection:
        connection.execute(insert(tables.label_group).values(name=name, exclusive=False, created_at=0.0))


def names(ledger: Ledger) -> set[str]:
    with ledger.read() as connection:
        return set(connection.execute(select(tables.label_group.c.name)).scalars())


def forked(do: Callable[[], object]) -> int:
    """Fork a child that does this and ends with 0 if nothing was raised; its pid."""
    child = os.fork()
    if child == 0:
        try:
            do()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return child


def test_sqlite_is_durable_and_checks_references(ledger: Ledger) -> None:
    with ledger.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_postgresql_commits_wait_for_the_disk(any_ledger: Ledger) -> None:
    if any_ledger.dialect == "postgresql":
        with any_ledger.read() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
    assert any_ledger.dialect in str(any_ledger)


def test_an_exception_rolls_back(any_ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), any_ledger.write() as connection:
        connection.execute(insert(tables.label_group).values(name="x", exclusive=False, created_at=0.0))
        _ = 1 / 0
    assert names(any_ledger) == set()
    add(any_ledger, "y")
    assert names(any_ledger) == {"y"}


def test_a_reader_sees_one_moment_while_another_writes(ledger: Ledger) -> None:
    with ledger.read() as connection:
        count = select(func.count()).select_from(tables.label_group)
        assert connection.execute(count).scalar_one() == 0
        add(ledger, "later")
        assert connection.execute(count).scalar_one() == 0
    assert names(ledger) == {"later"}


def test_a_transaction_that_reads_first_can_write_after_another_wrote(any_ledger: Ledger) -> None:
    turn = threading.Event()

    def reader_then_writer(name: str) -> None:
        with any_ledger.write() as connection:
            connection.execute(select(tables.label_group.c.id)).all()
            turn.wait(0.05)
            connection.execute(insert(tables.label_group).values(name=name, exclusive=False, created_at=0.0))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(reader_then_writer, (f"n{number}" for number in range(16))))
    assert len(names(any_ledger)) == 16


def test_many_threads_write_and_read_at_once(any_ledger: Ledger) -> None:
    def both(number: int) -> int:
        add(any_ledger, f"n{number}")
        return len(names(any_ledger))

    with ThreadPoolExecutor(32) as pool:
        assert max(pool.map(both, range(100))) == 100


def test_processes_open_a_new_ledger_at_once_and_lose_nothing(ledger_url: str) -> None:
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADD, ledger_url, str(number), "20"], cwd=root, stderr=subprocess.PIPE, text=True
        )
        for number in range(2)
    ]
    errors = [process.communicate(timeout=150)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 2, errors
    ledger = Ledger.open(ledger_url)
    assert len(names(ledger)) == 40
    ledger.close()


def test_a_forked_child_uses_connections_of_its_own(any_ledger: Ledger) -> None:
    add(any_ledger, "before")

    def add_all(who: str) -> None:
        for number in range(20):
            add(any_ledger, f"{who}-{number}")

    child = forked(lambda: add_all("child"))
    add_all("parent")
    assert os.waitpid(child, 0)[1] == 0
    assert len(names(any_ledger)) == 41


def test_what_a_child_commits_outlives_the_end_of_its_parents_connections(tmp_path: Path) -> None:
    # The last connection that closes clears the write-ahead log away: that of a child must count as one.
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    add(ledger, "before")
    read_end, write_end = os.pipe()

    def add_before_and_after() -> None:
        add(ledger, "first")
        os.read(read_end, 1)
        add(ledger, "second")
        os.kill(os.getpid(), signal.SIGKILL)

    child = forked(add_before_and_after)
    while "first" not in names(ledger):
        time.sleep(0.01)
    ledger.close()
    os.write(write_end, b"x")
    os.waitpid(child, 0)
    again = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    assert names(again) == {"before", "first", "second"}
    again.close()


def test_a_fork_while_another_thread_writes(ledger: Ledger) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with ledger.write():
            inside.set()
            leave.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(60)
    threading.Timer(0.2, leave.set).start()
    child = forked(lambda: add(ledger, "child"))
    holder.join()
    assert leave.is_set(), "the fork waits for the end of the transaction"
    assert os.waitpid(child, 0)[1] == 0
    assert names(ledger) == {"child"}


def test_a_child_forked_inside_a_transaction_refuses_to_go_on(ledger: Ledger) -> None:
    def refused() -> None:
        with pytest.raises(LedgerError, match="forked"):
            add(ledger, "child")

    with ledger.read() as connection:
        connection.execute(select(tables.label_group.c.id)).all()
        child = forked(refused)
    assert os.waitpid(child, 0)[1] == 0
    add(ledger, "parent")
    assert names(ledger) == {"parent"}


def test_the_address_must_be_one(tmp_path: Path) -> None:
    for url in ("nonsense", "mysql://host/x", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(LedgerError):
            Ledger.open(url)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.db"
    path.write_bytes(b"\xff\xd8 not a database" * 100)
    with pytest.raises(LedgerError, match=r"photo\.db"):
        Ledger.open(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"\xff\xd8")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="file"):
        Ledger.open(f"sqlite:///{tmp_path}/file/ledger.db")


def test_a_server_that_is_down_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(f"postgresql://ruiji:secret@/x?host={tmp_path}")
    assert "does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_lock_that_never_ends_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.ledger.BUSY_TIMEOUT_S", 0.2)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBusy, match=r"ledger\.db"):
        add(ledger, "x")
    other.execute("ROLLBACK")
    add(ledger, "x")
    ledger.close()


def test_a_full_disk_is_said_in_words_and_nothing_is_lost(ledger: Ledger) -> None:
    add(ledger, "before")
    with ledger.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with pytest.raises(LedgerError, match="disk is full"), ledger.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        values = [{"name": f"{n}" * 500, "exclusive": False, "created_at": 0.0} for n in range(1000)]
        connection.execute(insert(tables.label_group), values)
    assert names(ledger) == {"before"}
    assert issubclass(LedgerError, CatalogError)


def test_a_deadlock_is_a_busy_ledger(any_ledger: Ledger) -> None:
    if any_ledger.dialect == "sqlite":
        return  # one writer: no two can wait for each other
    meeting = threading.Barrier(2)

    def lock(first: int) -> str:
        try:
            with any_ledger.write() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(first)))
                meeting.wait(timeout=60)
                connection.execute(select(func.pg_advisory_xact_lock(3 - first)))
            return "done"
        except LedgerBusy as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lock, (1, 2)))
    assert "done" in said
    assert any("try again" in one for one in said)
