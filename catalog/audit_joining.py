"""Brings another ledger's audit log together with the one that is there: no line goes, what is not there is added."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count, islice

from sqlalchemy import Connection, func, select, tuple_

from catalog import tables
from catalog.errors import LedgerError
from catalog.statements import PARAMETERS
from catalog.table_rows import Row, insert_rows, layout_of

AT_ONCE = PARAMETERS // 2  # a line is looked for by two of its columns, which have an index


def add_missing(connection: Connection, rows: Iterable[Row]) -> None:
    """Add the rows of `audit_event` that are not there yet, under numbers of their own, as others have theirs.

    Raises LedgerError when one does not read back the same.
    """
    event = tables.audit_event
    last = connection.execute(select(func.max(event.c.id))).scalar() or 0
    numbers, waiting = count(last + 1), iter(rows)
    while lines := [row[1:] for row in islice(waiting, AT_ONCE)]:  # a row without its number, which comes first
        there = _those_there(connection, lines, up_to=last)
        new = [(next(numbers), *line) for line in lines if line not in there]
        insert_rows(connection, layout_of(event), new)
        if not _those_there(connection, lines).issuperset(lines):
            raise LedgerError(f"{event.name} does not read back as it was written: nothing was changed.")


def _those_there(connection: Connection, lines: Iterable[Row], *, up_to: int | None = None) -> set[Row]:
    """What the log holds at the moments of these lines, without numbers; no line later than that of `up_to`."""
    event = tables.audit_event
    number, *others = event.columns
    at, action = others.index(event.c.at), others.index(event.c.action)
    keys = [(line[at], line[action]) for line in lines]
    query = select(*others).where(tuple_(event.c.at, event.c.action).in_(keys))
    if up_to is not None:
        query = query.where(number <= up_to)
    return {tuple(row) for row in connection.execute(query)}
