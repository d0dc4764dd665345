"""Opens and migrates the ledger's database, and hands out short transactions to threads and processes."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from sqlalchemy import Connection, Engine, Update, func, select
from sqlalchemy.exc import DatabaseError

from catalog import request_id
from catalog.errors import CatalogError, LedgerBusy, LedgerError
from catalog.fork_gate import ForkGate
from catalog.ledger_engine import AT_ONCE, PAGE_CACHE_MB, WRITES, make_engine, parse_url
from catalog.ledger_errors import BUSY_TIMEOUT_S, explain
from catalog.migrations import HEAD, migrate

__all__ = ["CatalogError", "Ledger", "LedgerBusy", "LedgerError", "clock", "writing"]

SLOW_S = 1.0

requests = logging.getLogger(request_id.LOGGER)


class Ledger:
    """One database, SQLite or PostgreSQL; safe to share between threads and to inherit over a fork."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine that `open` has prepared."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITES: True})
        self._passer_by = engine.execution_options(**{WRITES: True, AT_ONCE: True})
        # On SQLite every transaction sees one moment.
        steady = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._steady = engine.execution_options(**steady) if self.dialect == "postgresql" else engine
        # SQLite has one writer at a time. Threads of one process queue here, where waiting is fair and wakes at once;
        # between processes SQLite's own busy handler polls.
        self._turn = threading.Lock()
        self._gate = ForkGate()
        self._clean = self._clean_fork = True
        self._inherited: list[Any] = []
        _forks.add(self)

    @classmethod
    def open(cls, url: str, *, upgrade: bool = True, revision: str = HEAD, page_cache_mb: int = PAGE_CACHE_MB) -> Self:
        """Open the database at an SQLAlchemy URL and bring its tables up to date, or leave them as they are.

        `revision`: an older one, for what was written by an older version. `page_cache_mb`: of each connection to
        SQLite; many threads that mostly read need little.

        Raises LedgerError when it cannot be reached, is no database, or was made by a newer version.
        """
        ledger = cls(make_engine(parse_url(url), busy_timeout_s=BUSY_TIMEOUT_S, page_cache_mb=page_cache_mb))
        try:
            with ledger.write() if upgrade else ledger.read() as connection:
                if upgrade:
                    migrate(connection, to=revision)
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
        with (
            self._turn_to_write(),
            self._passing(),
            self._timed(),
            self._named_errors(),
            self._writer.begin() as connection,
        ):
            yield connection

    def write_in_passing(self, change: Update) -> None:
        """Make a change that nobody misses, or not at all: where others write just now, or the database cannot.

        For what a request that only reads leaves behind: it must not wait, and a full disk must not end it.
        """
        with (
            suppress(LedgerError),
            self._turn_to_write(wait_s=0),
            self._passing(),
            self._named_errors(),
            self._passer_by.begin() as connection,
        ):
            connection.execute(change)

    @contextmanager
    def rebuild(self) -> Iterator[Connection]:
        """A `write` that empties and fills whole tables; on SQLite, references are looked through at its end only."""
        with self._turn_to_write(), self._passing(), self._named_errors(), self._writer.connect() as connection:
            if self.dialect != "sqlite":
                with connection.begin():
                    yield connection
                return
            # For each row that goes, SQLite would look for others that refer to it: without an index, through all.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction
            try:
                with connection.begin():
                    yield connection
                    if (row := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
                        raise LedgerError(f"A row of {row[0]} refers to one of {row[2]} that is not there.")
            finally:
                driver.execute("PRAGMA foreign_keys=ON")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads; on SQLite all of its statements see the same moment."""
        with self._passing(), self._timed(), self._named_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A `read` all of whose statements see the same moment, on PostgreSQL too, for however long it takes."""
        with self._passing(), self._named_errors(), self._steady.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close the pooled connections; the ledger opens new ones if it is used again."""
        self._engine.dispose()

    def __str__(self) -> str:
        """The address without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def _turn_to_write(self, *, wait_s: float = BUSY_TIMEOUT_S) -> Iterator[None]:
        queued = self.dialect == "sqlite"
        if queued and not self._turn.acquire(timeout=wait_s):
            raise LedgerBusy(f"Another thread has been writing to {self} for {wait_s:.0f} s; try again.")
        try:
            yield
        finally:
            if queued:
                self._turn.release()

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
