"""That a session or a token was used is noted in passing: no request waits for it, and none fails by it."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sqlalchemy import select, update

from catalog import sessions, tables
from catalog.api_tokens import add_token, find_token
from catalog.audit import By
from catalog.ledger import Ledger
from catalog.sessions import Lifetime
from catalog.users import Identity, add_user

LONG_AGO_S = 3600.0
AT_ONCE_S = 25.0  # what waits for a writer waits 30 s, or for ever
LIFETIME = Lifetime()


@dataclass(frozen=True)
class Secrets:
    """What two browsers send: a session's, and a token's."""

    session: str
    token: str


def used_long_ago(ledger: Ledger) -> Secrets:
    """A session and a token of anna's, used an hour ago."""
    anna, _ = add_user(ledger, "anna", role="labeller", by=By("a test"))
    with ledger.write() as connection:
        session = sessions.begin(connection, anna.id, LIFETIME)
    _, token = add_token(ledger, anna.id, name="x", scope="label", by=By("a test"))
    with ledger.write() as connection:
        connection.execute(update(tables.account_session).values(seen_at=time.time() - LONG_AGO_S))
        connection.execute(update(tables.api_token).values(used_at=time.time() - LONG_AGO_S))
    return Secrets(session, token)


def both(ledger: Ledger, secrets: Secrets) -> list[Identity | None]:
    return [sessions.find(ledger, secrets.session, LIFETIME), find_token(ledger, secrets.token)]


def noted(ledger: Ledger) -> list[bool]:
    """Whether the ledger knows that the session and the token were used just now."""
    with ledger.read() as connection:
        columns = (tables.account_session.c.seen_at, tables.api_token.c.used_at)
        times = [connection.execute(select(column)).scalar_one() for column in columns]
    return [at > time.time() - LONG_AGO_S / 2 for at in times]


def at_once(ask: Callable[[], list[Identity | None]]) -> list[Identity | None]:
    """What another thread is answered, without waiting for what this one does meanwhile."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(ask).result(AT_ONCE_S)
    finally:
        pool.shutdown(wait=False)


def test_the_use_is_noted_where_nobody_writes(any_ledger: Ledger) -> None:
    secrets = used_long_ago(any_ledger)
    assert all(both(any_ledger, secrets))
    assert noted(any_ledger) == [True, True]


def test_nobody_waits_for_a_writer(any_ledger: Ledger) -> None:
    secrets = used_long_ago(any_ledger)
    with any_ledger.write() as connection:
        for table in (tables.account_session, tables.api_token):  # on PostgreSQL, rows are what one waits for
            connection.execute(update(table).values(expires_at=time.time() + LONG_AGO_S))
        assert all(at_once(lambda: both(any_ledger, secrets)))
    assert noted(any_ledger) == [False, False]
    assert sessions.find(any_ledger, secrets.session, Lifetime(idle_s=LONG_AGO_S - 9)) is None
    assert all(both(any_ledger, secrets))
    assert noted(any_ledger) == [True, True]


def test_nobody_waits_for_another_process(ledger: Ledger) -> None:
    secrets = used_long_ago(ledger)
    path = str(ledger).removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert all(at_once(lambda: both(ledger, secrets)))
    assert noted(ledger) == [False, False]
    with ledger.write() as connection:  # which waits again
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30_000


def test_who_has_signed_in_looks_on_where_nothing_can_be_written(ledger: Ledger) -> None:
    secrets = used_long_ago(ledger)
    with no_file_grows():
        assert all(both(ledger, secrets))
    assert noted(ledger) == [False, False]
    assert all(both(ledger, secrets))
    assert noted(ledger) == [True, True]


@contextmanager
def no_file_grows() -> Iterator[None]:
    """As on a full disk: whatever this process writes past the first bytes of a file fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
