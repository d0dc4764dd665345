"""The record of what was done that others have to know: who, when, what, to what, from where; only ever added to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, insert, select

from catalog import tables
from catalog.ledger import Ledger, clock, writing
from catalog.plain_text import plain_text

Outcome = Literal["done", "refused"]
LONGEST_TARGET = 300  # characters
AT_ONCE = 1000


@dataclass(frozen=True)
class By:
    """Who does something, and the address that the request came from."""

    name: str
    address: str = ""


SHELL = By("shell")


@dataclass(frozen=True)
class AuditEvent:
    """One line of the record; `at` is in seconds since 1970."""

    id: int
    at: float
    actor: str
    action: str
    target: str
    address: str
    outcome: Outcome


def note(where: Ledger | Connection, by: By, action: str, target: str = "", *, outcome: Outcome = "done") -> None:
    """Add a line; `where` is the caller's transaction, if what is noted has to stand or fall with the line."""
    with writing(where) as connection:
        line = {
            "at": clock(connection),
            "actor": by.name,
            "action": action,
            "target": plain_text(target, longest=LONGEST_TARGET),
            "address": by.address,
            "outcome": outcome,
        }
        connection.execute(insert(tables.audit_event).values(**line))


def recent(ledger: Ledger, *, limit: int, before: int | None = None) -> list[AuditEvent]:
    """The newest lines first; with `before`, those older than the line of that number."""
    event = tables.audit_event
    query = select(event).order_by(event.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(event.c.id < before)
    with ledger.read() as connection:
        return [AuditEvent(**row._mapping) for row in connection.execute(query)]


def everything(ledger: Ledger) -> Iterator[AuditEvent]:
    """All lines, the oldest first, a thousand in memory at a time."""
    event, last = tables.audit_event, 0
    while True:
        with ledger.read() as connection:
            query = select(event).where(event.c.id > last).order_by(event.c.id).limit(AT_ONCE)
            rows = [AuditEvent(**row._mapping) for row in connection.execute(query)]
        if not rows:
            return
        yield from rows
        last = rows[-1].id
