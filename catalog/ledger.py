"""Opens and migrates the ledger's database, and hands out short transactions to threads and processes."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from catalog import request_id
from catalog.errors import CatalogError, LedgerBusy, LedgerError
from catalog.fork_gate import ForkGate
from catalog.ledger_errors import BUSY_TIMEOUT_S, explain, too_old
from catalog.migrations import migrate

__all__ = ["CatalogError", "Ledger", "LedgerBusy", "LedgerError", "clock", "writing"]

CONNECT_TIMEOUT_S = 10  # to a server that does not even refuse; the system's own takes minutes
SLOW_S = 1.0
_WRITES = "ruiji_writes"

requests = logging.getLogger(request_id.LOGGER)


class Ledger:
    """One database, SQLite or PostgreSQL; safe to share between threads and to inherit over a fork."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine that `open` has prepared."""
        self._engine = engine
        self._writer = engine.execution_options(**{_WRITES: True})
        # SQLite has one writer at a time. Threads of one process queue here, where waiting is fair and wakes at once;
        # between processes SQLite's own busy handler polls.
        self._turn = threading.Lock()
        self._gate = ForkGate()
        self._clean = self._clean_fork = True
        self._inherited: list[Any] = []
        _forks.add(self)

    @classmethod
    def open(cls, url: str, *, upgrade: bool = True) -> Self:
        """Open the database at an SQLAlchemy URL and bring its tables up to date, or leave them as they are.

        Raises LedgerError when it cannot be reached, is no database, or was made by a newer version.
        """
        parsed = _parse(url)
        ledger = cls(_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed))
        try:
            with ledger.write() if upgrade else ledger.read() as connection:
                if upgrade:
                    migrate(connection)
        except BaseException:
            ledger.close()
            raise
        return ledger

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: committed and on the disk at the end, rolled back if an exception leaves it."""
        queued = self.dialect == "sqlite"
        if queued and not self._turn.acquire(timeout=BUSY_TIMEOUT_S):
            raise LedgerBusy(f"Another thread has been writing to {self} for {BUSY_TIMEOUT_S:.0f} s; try again.")
        try:
            with self._passing(), self._timed(), self._named_errors(), self._writer.begin() as connection:
                yield connection
        finally:
            if queued:
                self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads; on SQLite all of its statements see the same moment."""
        with self._passing(), self._timed(), self._named_errors(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close the pooled connections; the ledger opens new ones if it is used again."""
        self._engine.dispose()

    def __str__(self) -> str:
        """The address without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def _passing(self) -> Iterator[None]:
        if not self._clean:
            raise LedgerError(
                f"This process was forked in the middle of a transaction on {self}: fork outside of it, or spawn."
            )
        with self._gate.passing():
            yield

    def _before_fork(self) -> None:
        if self.dialect == "sqlite":
            self._clean_fork = self._gate.close(timeout_s=BUSY_TIMEOUT_S)
            self._engine.dispose()

    def _after_fork_in_parent(self) -> None:
        if self.dialect == "sqlite":
            self._gate.open()

    def _after_fork_in_child(self) -> None:
        self._clean = self._clean and self._clean_fork
        # A connection belongs to the process that opened it. Closing an inherited one would harm the parent, so the
        # child keeps the old pool out of the garbage collector's reach and starts an empty one.
        self._inherited.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._turn = threading.Lock()
        self._gate = ForkGate()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            if (took := time.monotonic() - started) > SLOW_S:
                requests.info("a transaction of the ledger took %.1f s", took)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if (explained := explain(str(self), error.orig)) is None:
                raise
            raise explained from error
        except sqlite3.Error as error:  # while a connection is prepared
            raise explain(str(self), error) or LedgerError(f"{self} cannot be opened: {error}") from error


@contextmanager
def writing(where: Ledger | Connection) -> Iterator[Connection]:
    """The caller's transaction, or one of its own."""
    if isinstance(where, Ledger):
        with where.write() as connection:
            yield connection
    else:
        yield where


def clock(connection: Connection) -> float:
    """Seconds since 1970 by the one clock that all who share this ledger agree on: leases are compared by it."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError("The ledger's address is not a URL; sqlite:////folder/ledger.db is an example.") from error
    backend = parsed.get_backend_name()
    if backend in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise LedgerError(f"The ledger cannot be kept in {backend}: use sqlite:/// or postgresql:// addresses.")
    if parsed.database in {None, "", ":memory:"}:
        raise LedgerError("The ledger needs a file that all processes share: name one, as in sqlite:////folder/x.db.")
    return parsed


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The ledger's folder {path.parent} cannot be made: {error.strerror}.") from error
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=56,  # a thread that waits for its turn to write holds no connection; readers are short
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # the driver would begin by itself, too late and without IMMEDIATE
        for pragma in ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        _enter_wal(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once, without waiting, if another wrote in between:
        # only IMMEDIATE makes it wait for its turn at the start.
        immediate = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _enter_wal(connection: sqlite3.Connection) -> None:
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # SQLite does not wait for this switch, whatever the busy timeout: two first starts may meet here.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _postgresql(url: URL) -> Engine:
    waits = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT_S}
    engine = create_engine(url, pool_size=8, max_overflow=56, pool_pre_ping=True, connect_args=waits)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        if (refusal := too_old(url.render_as_string(hide_password=True), connection.info.server_version)) is not None:
            raise refusal
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        connection.commit()

    return engine


_forks: weakref.WeakSet[Ledger] = weakref.WeakSet()


def _for_each(step: Callable[[Ledger], None]) -> Callable[[], None]:
    def all_ledgers() -> None:
        for ledger in list(_forks):
            step(ledger)

    return all_ledgers


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_for_each(Ledger._before_fork),
        after_in_parent=_for_each(Ledger._after_fork_in_parent),
        after_in_child=_for_each(Ledger._after_fork_in_child),
    )
