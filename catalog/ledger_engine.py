"""How the ledger's database is reached: addresses, and what each new connection to SQLite or PostgreSQL is told."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from catalog.errors import LedgerError
from catalog.ledger_errors import too_old

WRITES = "ruiji_writes"
AT_ONCE = "ruiji_at_once"  # of those that write: whoever would have to wait for another fails instead
# Of each of up to 64 connections to SQLite. Pages that it has no room for are read again, from the system's cache.
PAGE_CACHE_MB = 16
CONNECT_TIMEOUT_S = 10  # to a server that does not even refuse; the system's own takes minutes
# A host that loses its power or its network in the middle of a transaction keeps its locks until the server gives its
# connection up, which takes two hours by default: whoever merges labels would wait for it, and all who label for them.
# And a client whose server has gone would wait as long. In seconds, but for the last, which is in milliseconds.
PATIENCE = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "25000"}


def make_engine(url: URL, *, busy_timeout_s: float, page_cache_mb: int = PAGE_CACHE_MB) -> Engine:
    """An engine whose connections are durable and check references. Raises LedgerError for a folder that cannot be."""
    if url.get_backend_name() != "sqlite":
        return _postgresql(url)
    return _sqlite(url, busy_timeout_s=busy_timeout_s, page_cache_mb=page_cache_mb)


def parse_url(url: str) -> URL:
    """The address with its driver. Raises LedgerError for what is no address of a ledger."""
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


def _sqlite(url: URL, *, busy_timeout_s: float, page_cache_mb: int) -> Engine:
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The ledger's folder {path.parent} cannot be made: {error.strerror}.") from error
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=56,  # a thread that waits for its turn to write holds no connection; readers are short
        pool_timeout=busy_timeout_s,
        connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # the driver would begin by itself, too late and without IMMEDIATE
        # A chunk of new images changes 1,000 pages, as hashes fall anywhere. Left in the log for longer, those that the
        # next chunks change too are moved once instead of each time.
        log = "wal_autocheckpoint=4000"
        cache = f"cache_size=-{1000 * page_cache_mb}"
        pragmas = ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON", cache, log)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        _enter_wal(connection, busy_timeout_s=busy_timeout_s)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once, without waiting, if another wrote in between:
        # only IMMEDIATE makes it wait for its turn at the start.
        options = connection.get_execution_options()
        driver: Any = connection.connection.driver_connection
        if not options.get(AT_ONCE, False):
            driver.execute("BEGIN IMMEDIATE" if options.get(WRITES, False) else "BEGIN")
            return
        driver.execute("PRAGMA busy_timeout=0")
        try:
            driver.execute("BEGIN IMMEDIATE")
        finally:
            driver.execute(f"PRAGMA busy_timeout={round(1000 * busy_timeout_s)}")

    return engine


def _enter_wal(connection: sqlite3.Connection, *, busy_timeout_s: float) -> None:
    until = time.monotonic() + busy_timeout_s
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
    # What the address says of keepalives counts on both sides.
    patience = {name: str(url.query.get(name, value)) for name, value in PATIENCE.items()}
    engine = create_engine(url, pool_size=8, max_overflow=56, pool_pre_ping=True, connect_args={**waits, **patience})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        if (refusal := too_old(url.render_as_string(hide_password=True), connection.info.server_version)) is not None:
            raise refusal
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS given (name, value)",
            ([name.replace("keepalives", "tcp_keepalives") for name in patience], list(patience.values())),
        )
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(AT_ONCE, False):
            connection.exec_driver_sql("SET LOCAL lock_timeout = 1")  # in milliseconds; 0 would be for ever

    return engine
