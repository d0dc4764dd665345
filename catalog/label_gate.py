"""Decisions side by side, changes of the labels themselves alone: a gate that a transaction passes before all else.

Whoever decides needs the labels and their groups to stay as they are until the end; whoever merges, moves or groups
labels needs that nobody decides meanwhile. On PostgreSQL a transaction that took these locks row by row would meet
others that came to the same rows from the images' side; one lock, taken first by all, leaves no such circle. SQLite has
one writer at a time anyway.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_LOCK = 0x6C_61_62_65_6C  # "label"


def keep_labels(connection: Connection) -> None:
    """No label is merged, moved or grouped until the transaction ends. To be called before it locks anything."""
    _pass(connection, "pg_advisory_xact_lock_shared")


def change_labels(connection: Connection) -> None:
    """Nobody decides anything until the transaction ends. To be called before it locks anything."""
    _pass(connection, "pg_advisory_xact_lock")


def _pass(connection: Connection, how: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT {how}(:lock)"), {"lock": _LOCK})
