"""The decisions of a label that go over to another one, image by image, by the rules of a merge."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    FromClause,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    select,
    union_all,
)

from catalog import tables
from catalog.label_batches import NO_SCORE
from catalog.label_events import exclude_each_other
from catalog.statements import unindexed


def moving(label_id: int, into: int) -> CompoundSelect[Any]:
    """The events that merge a label into another one, as a plan for `write_events`; a contradiction has none.

    The other label gets the decision, its rivals get a no where that is needed, and the merged label is open again.
    """
    one, rival = _facts(label_id, into), tables.label_state.alias()
    against = _against(one)
    already = and_(one.c.theirs == one.c.state, one.c.their_strength >= one.c.strength)
    opened_by_person = and_(one.c.theirs == "unknown", one.c.their_origin == "person", one.c.origin != "person")
    goes_over = and_(against < one.c.strength, not_(already), not_(func.coalesce(opened_by_person, false())))
    here = select(
        one.c.image_id,
        literal(into).label("label_id"),
        one.c.state.label("decision"),
        one.c.theirs.label("previous"),
        one.c.their_origin.label("previous_origin"),
        one.c.origin,
        NO_SCORE,
    ).where(goes_over)
    ended = (
        select(one.c.image_id, rival.c.label_id, literal("no"), rival.c.state, rival.c.origin, one.c.origin, NO_SCORE)
        .join(rival, rival.c.image_id == one.c.image_id)
        .where(goes_over, one.c.state == "yes", _ruled_out(rival, label_id, into))
    )
    opened = select(
        one.c.image_id, literal(label_id), literal("unknown"), one.c.state, one.c.origin, literal("person"), NO_SCORE
    ).where(against != one.c.strength)
    return union_all(here, ended, opened)


def _facts(label_id: int, into: int) -> CTE:
    """Of each image that is or is not the label: what is said, what is said of the other label, and how strongly."""
    mine, theirs, rival = (tables.label_state.alias() for _ in range(3))
    last = tables.label_event.alias()
    opened_by = (
        select(last.c.origin)
        .where(last.c.image_id == mine.c.image_id, last.c.label_id == into)
        .order_by(unindexed(last.c.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    their_origin = func.coalesce(theirs.c.origin, opened_by)
    strongest_rival = (
        select(func.max(_strength(rival.c.origin)))
        .where(rival.c.image_id == mine.c.image_id, _ruled_out(rival, label_id, into))
        .scalar_subquery()
    )
    return (
        select(
            mine.c.image_id,
            mine.c.state,
            mine.c.origin,
            _strength(mine.c.origin).label("strength"),
            func.coalesce(theirs.c.state, "unknown").label("theirs"),
            their_origin.label("their_origin"),
            _strength(their_origin).label("their_strength"),
            case((mine.c.state == "yes", func.coalesce(strongest_rival, 0)), else_=0).label("rival_strength"),
            (mine.c.event_id > theirs.c.event_id).label("mine_is_later"),
            exclude_each_other(literal(label_id), literal(into)).label("exclusive"),
        )
        .select_from(mine)
        .outerjoin(theirs, and_(theirs.c.image_id == mine.c.image_id, theirs.c.label_id == into))
        .where(mine.c.label_id == label_id)
        .cte("facts")
    )


def _against(one: FromClause) -> ColumnElement[int]:
    """How strong the strongest decision is that disagrees; as strong as the image's own, it is a contradiction."""
    disagrees = one.c.theirs.not_in(["unknown", one.c.state])
    theirs = case((disagrees, one.c.their_strength), else_=0)
    by_time = case((one.c.mine_is_later, one.c.strength - 1), else_=one.c.strength + 1)
    equal = and_(disagrees, one.c.exclusive, one.c.their_strength == one.c.strength, one.c.rival_strength == 0)
    return case((equal, by_time), (theirs > one.c.rival_strength, theirs), else_=one.c.rival_strength)


def _ruled_out(rival: FromClause, label_id: int, into: int) -> ColumnElement[bool]:
    """Whether a state is a yes for a third label of the exclusive group that the other label is of."""
    return and_(
        rival.c.state == "yes",
        rival.c.label_id != label_id,
        exclude_each_other(rival.c.label_id, literal(into)),
    )


def _strength(origin: ColumnElement[Any]) -> ColumnElement[int]:
    return case((origin == "person", 3), (origin == "import", 2), (origin == "folder", 1), else_=0)
