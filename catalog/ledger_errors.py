"""What a database says when it cannot be used, put into our words: what is the matter, and what to do."""

from __future__ import annotations

import sqlite3

from catalog.errors import LedgerAway, LedgerBusy, LedgerError

BUSY_TIMEOUT_S = 30.0
OLDEST_POSTGRESQL = 15
# PostgreSQL ends one of two transactions that are in each other's way; nothing is wrong with it.
_PASSING = {"DeadlockDetected", "SerializationFailure", "LockNotAvailable"}
# PostgreSQL's classes of errors: connection, login, no such database, rollback, resources, in use, operator, system.
_SURROUNDINGS = ("08", "28", "3D", "40", "53", "55", "57", "58")
_SQLITE_BASIC = 0xFF  # of its codes; the rest says more
# What the words of SQLite's and PostgreSQL's operational errors tell. The first that is found counts.
_TOLD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("is full",), "cannot grow: the disk is full. Free some space; nothing that was saved is lost."),
    (("readonly", "unable to open"), "cannot be written: give this user the right to write the file and its folder."),
    (
        ("password authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "'),
        "refuses this user or password ({said}): correct RUIJI_DATABASE_URL.",
    ),
    (("starting up", "shutting down", "in recovery mode"), "is not ready ({said}): wait a moment, then try again."),
    (('database "',), "is not there ({said}): create it, or correct RUIJI_DATABASE_URL."),
    (("too many clients", "connection slots"), "has no connection left ({said}): raise its max_connections."),
    (
        ("refused", "timeout", "timed out", "resolve", "translate host name", "No route", "unreachable"),
        "is not reached ({said}): is PostgreSQL running, and are host and port of RUIJI_DATABASE_URL right?",
    ),
)


def explain(name: str, error: BaseException | None) -> LedgerError | None:
    """Our error for the driver's, about the database of this name: a LedgerAway unless what we asked was wrong.

    None for one that its kind alone tells to be a fault of ours.
    """
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "OperationalError" in kinds and not _of_surroundings(error):
        return LedgerError(f"{name} cannot do what was asked of it: {said}")
    if "not a database" in said or "malformed" in said:
        return LedgerAway(f"{name} is not a sound database ({said}): restore a copy, or name another file.")
    if "OperationalError" not in kinds:
        return None
    if kinds & _PASSING:
        return LedgerBusy(f"{name} was busy with another change of the same rows ({said}); try again.")
    if "locked" in said:
        return LedgerBusy(f"{name} was locked by another process for {BUSY_TIMEOUT_S:.0f} s; try again.")
    # psycopg puts the server's words behind the address that it tried.
    words = said.rpartition("FATAL: ")[2].strip() if "FATAL: " in said else said
    for signs, told in _TOLD:
        if any(sign in words for sign in signs):
            return LedgerAway(f"{name} {told.format(said=words)}")
    return LedgerAway(f"{name} does not answer: {said}")


def _of_surroundings(error: BaseException | None) -> bool:
    """Whether an operational error is of file, machine, network or engine. SQLite calls a wrong column one, too."""
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        return int(code) & _SQLITE_BASIC != sqlite3.SQLITE_ERROR
    state = getattr(error, "sqlstate", None)  # psycopg's; None: the server has said nothing
    return state is None or state.startswith(_SURROUNDINGS)


def too_old(name: str, version: int) -> LedgerError | None:
    """Whether a PostgreSQL server, by the number that it gives (150004 is 15.4), is older than what we know to work."""
    if version >= OLDEST_POSTGRESQL * 10_000:
        return None
    return LedgerError(
        f"{name} is PostgreSQL {version // 10_000}: Ruiji needs {OLDEST_POSTGRESQL} or newer; update the server first."
    )
