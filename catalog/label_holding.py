"""Which event's decision holds for an image and a label, where the last event took back another one.

After an undo it is the event before the one that was undone: so that batches can be undone one after the other, newest
first, where they are about the same images.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, FromClause, ScalarSelect, func, select

from catalog import tables
from catalog.statements import unindexed


def holding(pairs: FromClause) -> CTE:
    """(image_id, label_id, event_id) of each of the pairs (image_id, label_id); none where its first event is undone.

    Follows each pair from its last event on: from one that took a batch back to the one before what was taken back.
    """
    event, head = tables.label_event, tables.label_batch
    last, before, undone = event.alias(), event.alias(), event.alias()
    last_id = (
        select(func.max(unindexed(last.c.id)))
        .where(last.c.image_id == pairs.c.image_id, last.c.label_id == pairs.c.label_id)
        .scalar_subquery()
    )
    # A redo of a merge holds pairs too that its first time did not have: there its own event is where the walk ends.
    undone_id: ScalarSelect[Any] = (
        select(undone.c.id)
        .where(
            undone.c.image_id == event.c.image_id,
            undone.c.label_id == event.c.label_id,
            unindexed(undone.c.batch_id) == head.c.undoes,
        )
        .scalar_subquery()
    )
    columns = (event.c.image_id, event.c.label_id, event.c.id.label("event_id"), undone_id.label("undone_id"))
    walk = (
        select(*columns)
        .select_from(pairs)
        .join(event, event.c.id == last_id)
        .join(head, head.c.id == event.c.batch_id)
        .cte("walk", recursive=True)
    )
    id_before = (
        select(func.max(unindexed(before.c.id)))
        .where(
            before.c.image_id == walk.c.image_id,
            before.c.label_id == walk.c.label_id,
            unindexed(before.c.id) < walk.c.undone_id,
        )
        .scalar_subquery()
    )
    walk = walk.union_all(
        select(*columns)
        .select_from(walk)
        .join(event, event.c.id == id_before)
        .join(head, head.c.id == event.c.batch_id)
        .where(walk.c.undone_id.is_not(None))
    )
    ended = walk.c.undone_id.is_(None)
    return select(walk.c.image_id, walk.c.label_id, walk.c.event_id).where(ended).cte("holding")
