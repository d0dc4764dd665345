"""Where people disagree: which decisions of others a batch replaced, and which of its own others have replaced since.

Both decisions are in the history and the later one holds. A merge is no disagreement, whichever way it goes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, exists, func, or_, select

from catalog import tables
from catalog.label_events import State
from catalog.ledger import Ledger
from catalog.statements import any_of

DECIDED = ("yes", "no")


class Others(NamedTuple):
    """Another person, and how many decisions of theirs were replaced, or replaced this batch's."""

    author: str
    decisions: int


@dataclass(frozen=True)
class Disagreement:
    """`over` are decisions that a batch replaced, `by` are those that replaced its own."""

    over: tuple[Others, ...] = ()
    by: tuple[Others, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """Two people on one image and one label: what the first one said, and the second one after that."""

    image_id: int
    label: str
    colour: str
    first_author: str
    first: State
    then_author: str
    then: State
    at: float


def disagreements(ledger: Ledger, batch_ids: Collection[int]) -> dict[int, Disagreement]:
    """Batch -> the disagreement in it; a batch without any has no entry."""
    first, then = _first_and_then()
    found: dict[int, Disagreement] = {}
    with ledger.read() as connection:
        if not _several_people(connection):
            return found
        ids, merging = any_of(connection, batch_ids), _merging(connection)
        over = _counted(_replaced(first, then, merging).where(then.c.batch_id.in_(ids)), then, first)
        by = _counted(_replacing(first, then, merging).where(first.c.batch_id.in_(ids)), first, then)
        for name, query in (("over", over), ("by", by)):
            for batch_id, author, decisions in connection.execute(query):
                one = found.setdefault(batch_id, Disagreement())
                parts = {"over": one.over, "by": one.by}
                parts[name] = (*parts[name], Others(author, decisions))
                found[batch_id] = Disagreement(**parts)
    return found


def conflicts(ledger: Ledger, batch_id: int, *, limit: int) -> list[Conflict]:
    """What people disagree on in a batch, deleted images aside: first what it replaced, then what replaced it."""
    first, then = _first_and_then()
    image, label = tables.image, tables.label
    shown = (first.c.image_id, label.c.name, label.c.colour, first.c.author, first.c.decision)
    found: list[Conflict] = []
    with ledger.read() as connection:
        merging = _merging(connection)
        for query in (
            _replaced(first, then, merging).where(then.c.batch_id == batch_id).order_by(then.c.id),
            _replacing(first, then, merging).where(first.c.batch_id == batch_id).order_by(first.c.id),
        ):
            rows: Select[Any] = (
                query.with_only_columns(*shown, then.c.author, then.c.decision, then.c.at)
                .join(label, label.c.id == first.c.label_id)
                .join(image, image.c.id == first.c.image_id)
                .where(image.c.deleted_at.is_(None))
            )
            found += [Conflict(*row) for row in connection.execute(rows.limit(limit - len(found)))]
    return found


def _first_and_then() -> tuple[FromClause, FromClause]:
    return tables.label_event.alias("first_said"), tables.label_event.alias("then_said")


def _several_people(connection: Connection) -> bool:
    return len(connection.execute(select(tables.label_batch.c.author).distinct().limit(2)).all()) > 1


def _merging(connection: Connection) -> set[int]:
    """The batches that merge, take a merge back, or merge again."""
    head = tables.label_batch
    found: set[int] = set()
    more = set(connection.scalars(select(head.c.id).where(head.c.kind == "merge")))
    while more:
        found |= more
        more = set(connection.scalars(select(head.c.id).where(head.c.undoes.in_(any_of(connection, more))))) - found
    return found


def _disagree(first: FromClause, then: FromClause, merging: set[int]) -> tuple[ColumnElement[bool], ...]:
    head = tables.label_batch
    # An undo may give its decisions an origin that everything else beats: it is a person's all the same.
    taken_back = select(head.c.id).where(head.c.undoes.is_not(None))
    return (
        or_(then.c.origin == "person", then.c.batch_id.in_(taken_back)),
        then.c.author != first.c.author,
        then.c.decision != then.c.previous,
        then.c.batch_id.not_in(sorted(merging)),
    )


def _replaced(first: FromClause, then: FromClause, merging: set[int]) -> Select[Any]:
    """From the later decision to the one right before it."""
    said = tables.label_event
    before = (
        select(func.max(said.c.id))
        .where(said.c.image_id == then.c.image_id, said.c.label_id == then.c.label_id, said.c.id < then.c.id)
        .scalar_subquery()
    )
    return (
        select(then.c.batch_id)
        .select_from(then.join(first, first.c.id == before))
        .where(then.c.previous.in_(DECIDED), then.c.previous_origin == "person", *_disagree(first, then, merging))
    )


def _replacing(first: FromClause, then: FromClause, merging: set[int]) -> Select[Any]:
    """From a decision that holds no more to the one right after it."""
    said, state = tables.label_event, tables.label_state
    after = (
        select(func.min(said.c.id))
        .where(said.c.image_id == first.c.image_id, said.c.label_id == first.c.label_id, said.c.id > first.c.id)
        .scalar_subquery()
    )
    pair = (state.c.image_id == first.c.image_id, state.c.label_id == first.c.label_id)
    holds = exists().where(*pair, state.c.event_id == first.c.id)
    return (
        select(first.c.batch_id)
        .select_from(first.join(then, then.c.id == after))
        .where(first.c.decision.in_(DECIDED), first.c.origin == "person", ~holds, *_disagree(first, then, merging))
    )


def _counted(query: Select[Any], mine: FromClause, other: FromClause) -> Select[Any]:
    many = func.count()
    columns = query.with_only_columns(mine.c.batch_id, other.c.author, many)
    return columns.group_by(mine.c.batch_id, other.c.author).order_by(many.desc(), other.c.author)
