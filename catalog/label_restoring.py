"""What an undo puts back: the decision before each event of a batch, wherever that event still counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, or_, select

from catalog import tables
from catalog.label_batches import NO_SCORE
from catalog.label_events import exclude_each_other
from catalog.label_holding import holding
from catalog.statements import unindexed

# Where nobody had decided before, anything may decide after a person's decision is undone: so the event that opens it
# again gets the origin that everything else beats.
_WEAKEST = "folder"


def restoring(batch_id: int, *, again: bool, exactly: bool) -> Select[Any]:
    """The events that take a batch back, as a plan for `write_events`.

    `again`: the batch was itself an undo or a redo; then only what nobody has decided since comes back. Otherwise what
    was decided since and undone in turn counts as well. `exactly`: of a merge, whose events all say whose they were.

    A label that was merged since is decided no more: the undo of the merge comes first. And where another label of its
    exclusive group was chosen since, that one stays.
    """
    event, state = tables.label_event, tables.label_state
    last = event.alias()
    opened_by = (
        select(last.c.origin)
        .where(last.c.image_id == event.c.image_id, last.c.label_id == event.c.label_id)
        .order_by(unindexed(last.c.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    origin: ColumnElement[Any] = func.coalesce(event.c.previous_origin, _WEAKEST)
    if not exactly:
        # Who takes back what a folder said means it: the next ingest must not say it again.
        origin = case((and_(event.c.previous == "unknown", event.c.origin != "person"), "person"), else_=origin)
    comes_back = _what_comes_back(batch_id, again=again)
    return (
        select(
            event.c.image_id,
            event.c.label_id,
            event.c.previous.label("decision"),
            func.coalesce(state.c.state, "unknown").label("previous"),
            func.coalesce(state.c.origin, opened_by).label("previous_origin"),
            origin.label("origin"),
            NO_SCORE,
        )
        .outerjoin(state, and_(state.c.image_id == event.c.image_id, state.c.label_id == event.c.label_id))
        .where(comes_back(event), or_(event.c.previous != "yes", ~_other_is_yes(event, comes_back)))
    )


def _what_comes_back(batch_id: int, *, again: bool) -> Callable[[FromClause], ColumnElement[bool]]:
    """Whether an event is one of the batch that still counts."""
    event, merge = tables.label_event, tables.label_merge
    merged = select(merge.c.label_id).where(merge.c.undone.is_(False))
    pairs = (
        select(event.c.image_id, event.c.label_id).where(event.c.batch_id == batch_id, _followed(event)).cte("pairs")
    )
    holds = select(holding(pairs).c.event_id)

    def comes_back(one: FromClause) -> ColumnElement[bool]:
        # But for the batch's own, each is looked up by its image, which has few events.
        mine = (one.c.batch_id if one is event else unindexed(one.c.batch_id)) == batch_id
        counts = ~_followed(one) if again else or_(~_followed(one), one.c.id.in_(holds))
        return and_(mine, one.c.label_id.not_in(merged), counts)

    return comes_back


def _followed(one: FromClause) -> ColumnElement[bool]:
    """Whether the event's image and label have a later one."""
    later = tables.label_event.alias()
    return exists().where(
        later.c.image_id == one.c.image_id, later.c.label_id == one.c.label_id, unindexed(later.c.id) > one.c.id
    )


def _other_is_yes(one: FromClause, comes_back: Callable[[FromClause], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether the event's image will be another label of its exclusive group, of two that come back the later one."""
    state, other, another = tables.label_state.alias(), tables.label_event.alias(), tables.label_event.alias()
    ends = exists().where(other.c.image_id == state.c.image_id, other.c.label_id == state.c.label_id, comes_back(other))
    is_and_stays = exists().where(
        state.c.image_id == one.c.image_id,
        state.c.state == "yes",
        exclude_each_other(state.c.label_id, one.c.label_id),
        ~ends.where(other.c.previous != "yes"),
    )
    comes_later = exists().where(
        another.c.image_id == one.c.image_id,
        another.c.previous == "yes",
        unindexed(another.c.id) > one.c.id,
        exclude_each_other(another.c.label_id, one.c.label_id),
        comes_back(another),
    )
    return or_(is_and_stays, comes_later)
