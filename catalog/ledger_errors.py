"""What a database says when it cannot be used, put into our words: what is the matter, and what to do."""

from __future__ import annotations

from catalog.errors import LedgerBusy, LedgerError

BUSY_TIMEOUT_S = 30.0
OLDEST_POSTGRESQL = 15
# PostgreSQL ends one of two transactions that are in each other's way; nothing is wrong with it.
_PASSING = {"DeadlockDetected", "SerializationFailure", "LockNotAvailable"}
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
    """Our error for the driver's, about the database of this name; None for one that is a fault of ours."""
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if "not a database" in said or "malformed" in said:
        return LedgerError(f"{name} is not a sound database ({said}): restore a copy, or name another file.")
    kinds = {kind.__name__ for kind in type(error).__mro__}
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
            return LedgerError(f"{name} {told.format(said=words)}")
    return LedgerError(f"{name} does not answer: {said}")


def too_old(name: str, version: int) -> LedgerError | None:
    """Whether a PostgreSQL server, by the number that it gives (150004 is 15.4), is older than what we know to work."""
    if version >= OLDEST_POSTGRESQL * 10_000:
        return None
    return LedgerError(
        f"{name} is PostgreSQL {version // 10_000}: Ruiji needs {OLDEST_POSTGRESQL} or newer; update the server first."
    )
