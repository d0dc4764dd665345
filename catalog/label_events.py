"""What holds for images and labels, and which events decisions amount to: inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, and_, exists, func, select

from catalog import tables
from catalog.errors import UnknownImage, UnknownLabel
from catalog.statements import any_of

State = Literal["yes", "no", "unknown"]
Origin = Literal["person", "folder", "import"]
Pair = tuple[int, int]  # image id, label id


@dataclass(frozen=True)
class Decision:
    """What somebody says about an image and a label; `score` is how near it was to what was searched."""

    image_id: int
    label_id: int
    decision: State
    score: float | None = None


# Of these two there are as many as decisions in a batch, and a tuple is made in a fifth of a frozen dataclass's time.
class Standing(NamedTuple):
    """What holds for an image and a label now; `origin` is None where nobody has ever decided."""

    state: State
    origin: Origin | None
    event_id: int | None = None


class Event(NamedTuple):
    """One line of the history."""

    pair: Pair
    decision: State
    origin: Origin
    before: Standing
    score: float | None = None


UNDECIDED = Standing("unknown", None)
_of_decision = attrgetter("image_id", "label_id", "decision", "score")


def lock_images(connection: Connection, image_ids: Collection[int]) -> None:
    """Keep other decisions on these images waiting until the transaction ends; UnknownImage if one does not exist."""
    given = any_of(connection, image_ids)
    lock_images_of(connection, given)
    one = given.subquery()
    (image_id,) = one.c
    missing = select(image_id).where(~exists().where(tables.image.c.id == image_id))
    if unknown := connection.execute(missing).scalars().all():
        raise UnknownImage(unknown)


def lock_images_of(connection: Connection, image_ids: Select[Any]) -> None:
    """`lock_images` for images that a query names and that exist. On SQLite whoever writes is alone anyway."""
    if connection.dialect.name == "sqlite":
        return
    table = tables.image
    locked = select(table.c.id).where(table.c.id.in_(image_ids)).order_by(table.c.id).with_for_update(key_share=True)
    connection.execute(select(func.count()).select_from(locked.subquery()))


def rivals_of(connection: Connection, label_ids: Collection[int]) -> dict[int, list[int]]:
    """Label -> the other labels of its exclusive group, none if it has no such group; UnknownLabel."""
    label, group = tables.label, tables.label_group
    mine = label.alias()
    known = set(connection.execute(select(label.c.id).where(label.c.id.in_(any_of(connection, label_ids)))).scalars())
    if missing := set(label_ids) - known:
        raise UnknownLabel(missing)
    query = (
        select(mine.c.id, label.c.id)
        .join(group, group.c.id == mine.c.group_id)
        .join(label, and_(label.c.group_id == group.c.id, label.c.id != mine.c.id))
        .where(group.c.exclusive, mine.c.id.in_(any_of(connection, label_ids)))
    )
    rivals: dict[int, list[int]] = {label_id: [] for label_id in known}
    for label_id, rival_id in connection.execute(query):
        rivals[label_id].append(rival_id)
    return rivals


def exclude_each_other(one: ColumnElement[int], another: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether these are two labels of one exclusive group."""
    return and_(one != another, _exclusive_group(one) == _exclusive_group(another))


def _exclusive_group(label_id: ColumnElement[int]) -> ScalarSelect[Any]:
    label, group = tables.label.alias(), tables.label_group.alias()
    query = select(group.c.id).where(label.c.id == label_id, group.c.id == label.c.group_id, group.c.exclusive)
    return query.correlate_except(label, group).scalar_subquery()


def standings(connection: Connection, image_ids: Collection[int], label_ids: Collection[int]) -> dict[Pair, Standing]:
    """What holds for these images and labels; pairs without an entry are undecided."""
    state, event = tables.label_state, tables.label_event
    images, labels = any_of(connection, image_ids), any_of(connection, label_ids)
    # A person's 'unknown' has no row of state, but it is a decision all the same: only the events tell it.
    last = (
        select(func.max(event.c.id))
        .where(event.c.image_id.in_(images), event.c.label_id.in_(labels))
        .group_by(event.c.image_id, event.c.label_id)
    )
    opened = select(event.c.image_id, event.c.label_id, event.c.origin, event.c.id).where(
        event.c.id.in_(last), event.c.decision == "unknown"
    )
    decided = select(state.c.image_id, state.c.label_id, state.c.state, state.c.origin, state.c.event_id).where(
        state.c.image_id.in_(images), state.c.label_id.in_(labels)
    )
    found: dict[Pair, Standing] = {
        (image_id, label_id): Standing("unknown", origin, event_id)
        for image_id, label_id, origin, event_id in connection.execute(opened)
    }
    for image_id, label_id, current, origin, event_id in connection.execute(decided):
        found[image_id, label_id] = Standing(current, origin, event_id)
    return found


def decide(
    decisions: Iterable[Decision],
    *,
    origin: Origin,
    base: Mapping[Pair, Standing],
    rivals: Mapping[int, Sequence[int]],
) -> dict[Pair, Event]:
    """The events that the decisions amount to, given what held before; of two on one pair the later one counts.

    A person beats an import and a folder, an import beats a folder, and a folder only speaks where nothing is known.
    """
    said: dict[State, Standing] = {state: Standing(state, origin) for state in ("yes", "no", "unknown")}
    after: dict[Pair, Standing] = {}
    scores: dict[Pair, float | None] = {}

    def now(pair: Pair) -> Standing:
        return after.get(pair) or base.get(pair, UNDECIDED)

    for image_id, label_id, decision, score in map(_of_decision, decisions):
        pair = (image_id, label_id)
        others: list[Pair] = []
        if decision == "yes" and (group := rivals.get(label_id)):
            others = [other for rival in group if now(other := (image_id, rival)).state == "yes"]
        if origin != "person" and not _may(origin, now(pair), [now(other) for other in others]):
            continue
        for other in others:
            after[other], scores[other] = said["no"], score
        if now(pair).state != decision or (origin == "person" and decision != "unknown"):
            after[pair], scores[pair] = said[decision], score
    events = {}
    for pair, new in after.items():
        before = base.get(pair, UNDECIDED)
        if new[:2] != before[:2] and not new.state == before.state == "unknown":
            events[pair] = Event(pair, new.state, origin, before, scores[pair])
    return events


def _may(origin: Origin, current: Standing, others: Sequence[Standing]) -> bool:
    if any(one.origin == "person" for one in (current, *others)):
        return False
    return origin == "import" or (current.state == "unknown" and not others)
