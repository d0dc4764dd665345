"""How much SQLite does for an answer: instructions of its virtual machine, as many on a slow machine as on a fast."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlalchemy import event

from catalog.ledger import Ledger

EVERY = 500


def steps(ledger: Ledger, call: Callable[[], object]) -> int:
    """The instructions that the call makes the ledger carry out, to some hundred; a look at a row takes five or so."""
    counted = 0

    def tick() -> int:
        nonlocal counted
        counted += EVERY
        return 0

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(tick, EVERY)

    def leave(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(None, 0)

    event.listen(ledger._engine, "checkout", watch)
    event.listen(ledger._engine, "checkin", leave)
    try:
        call()
    finally:
        event.remove(ledger._engine, "checkout", watch)
        event.remove(ledger._engine, "checkin", leave)
    return counted
