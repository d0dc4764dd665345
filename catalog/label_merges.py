"""Which label went into which: a merged label's name and id mean the other one, until the merge is undone."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from catalog import tables


def merged(connection: Connection) -> dict[int, int]:
    """Label -> the label that it was merged into, which may itself have gone into a third."""
    table = tables.label_merge
    query = select(table.c.label_id, table.c.into_id).where(table.c.undone.is_(False))
    return {row.label_id: row.into_id for row in connection.execute(query)}


def merged_into(connection: Connection, label_ids: Iterable[int]) -> dict[int, int]:
    """Each of the labels -> the label that it is today: itself, unless it was merged."""
    steps = merged(connection)
    found = {}
    for label_id in label_ids:
        today = label_id
        while today in steps:
            today = steps[today]
        found[label_id] = today
    return found


def lineage(connection: Connection, label_id: int) -> set[int]:
    """The label and all that have gone into it."""
    steps = merged(connection)
    found = {label_id}
    while more := {old for old, new in steps.items() if new in found} - found:
        found |= more
    return found
