"""How decisions become events, and events become the state of an image: inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, and_, delete, func, insert, select, tuple_

from catalog import tables
from catalog.errors import UnknownImage, UnknownLabel
from catalog.statements import any_of, insert_or

State = Literal["yes", "no", "unknown"]
Origin = Literal["person", "folder", "import"]
Pair = tuple[int, int]  # image id, label id
LONGEST_KEY = 64  # of a batch


@dataclass(frozen=True)
class Decision:
    """What somebody says about an image and a label; `score` is how near it was to what was searched."""

    image_id: int
    label_id: int
    decision: State
    score: float | None = None


@dataclass(frozen=True)
class Standing:
    """What holds for an image and a label now; `origin` is None where nobody has ever decided."""

    state: State
    origin: Origin | None
    event_id: int | None = None


@dataclass(frozen=True)
class Event:
    """One line of the history."""

    pair: Pair
    decision: State
    origin: Origin
    before: Standing
    score: float | None = None


@dataclass(frozen=True)
class Batch:
    """The head of a batch whose row is written, and what all of its events share."""

    id: int
    author: str
    at: float
    hunt: str | None = None
    encoder_id: str | None = None


UNDECIDED = Standing("unknown", None)


def lock_images(connection: Connection, image_ids: Collection[int]) -> None:
    """Keep other decisions on these images waiting until the transaction ends; UnknownImage if one does not exist."""
    table = tables.image
    query = select(table.c.id).where(table.c.id.in_(any_of(connection, image_ids))).order_by(table.c.id)
    found = set(connection.execute(query.with_for_update(key_share=True)).scalars())
    if missing := set(image_ids) - found:
        raise UnknownImage(missing)


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
    after: dict[Pair, Standing] = {}
    scores: dict[Pair, float | None] = {}

    def now(pair: Pair) -> Standing:
        return after.get(pair) or base.get(pair, UNDECIDED)

    for decision in decisions:
        pair = (decision.image_id, decision.label_id)
        others: list[Pair] = []
        if decision.decision == "yes":
            others = [(decision.image_id, rival) for rival in rivals.get(decision.label_id, ())]
            others = [other for other in others if now(other).state == "yes"]
        if not _may(origin, now(pair), [now(other) for other in others]):
            continue
        for other in others:
            after[other], scores[other] = Standing("no", origin), decision.score
        if now(pair).state != decision.decision or (origin == "person" and decision.decision != "unknown"):
            after[pair], scores[pair] = Standing(decision.decision, origin), decision.score
    events = {}
    for pair, new in after.items():
        before = base.get(pair, UNDECIDED)
        if new.origin is not None and (new.state, new.origin) != (before.state, before.origin):
            events[pair] = Event(pair, new.state, new.origin, before, scores[pair])
    return {pair: event for pair, event in events.items() if not event.decision == event.before.state == "unknown"}


def open_batch(
    connection: Connection,
    *,
    key: str,
    kind: str,
    author: str,
    at: float,
    undoes: int | None = None,
    hunt: str | None = None,
    encoder_id: str | None = None,
) -> Batch | None:
    """Write the head of a batch; None if there is one with this key already."""
    table = tables.label_batch
    statement = insert_or(connection, table).values(key=key, kind=kind, author=author, at=at, undoes=undoes, size=0)
    made = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["key"]).returning(table.c.id)
    ).scalar_one_or_none()
    return None if made is None else Batch(made, author, at, hunt, encoder_id)


def write_events(connection: Connection, batch: Batch, events: Collection[Event]) -> None:
    """Append the events and carry the state along with them."""
    event, state, head = tables.label_event, tables.label_state, tables.label_batch
    if not events:
        return
    shared = {
        "batch_id": batch.id,
        "author": batch.author,
        "hunt": batch.hunt,
        "encoder_id": batch.encoder_id,
        "at": batch.at,
    }
    connection.execute(
        insert(event),
        [
            {
                **shared,
                "image_id": one.pair[0],
                "label_id": one.pair[1],
                "decision": one.decision,
                "previous": one.before.state,
                "previous_origin": one.before.origin,
                "origin": one.origin,
                "score": one.score,
            }
            for one in events
        ],
    )
    connection.execute(head.update().where(head.c.id == batch.id).values(size=len(events)))
    mine = event.c.batch_id == batch.id
    decided = select(
        event.c.image_id, event.c.label_id, event.c.decision, event.c.origin, event.c.id, event.c.at
    ).where(mine, event.c.decision != "unknown")
    columns = ["image_id", "label_id", "state", "origin", "event_id", "at"]
    put = insert_or(connection, state).from_select(columns, decided)
    connection.execute(
        put.on_conflict_do_update(
            index_elements=["image_id", "label_id"], set_={name: put.excluded[name] for name in columns[2:]}
        )
    )
    opened = select(event.c.image_id, event.c.label_id).where(mine, event.c.decision == "unknown")
    connection.execute(delete(state).where(tuple_(state.c.image_id, state.c.label_id).in_(opened)))


def _may(origin: Origin, current: Standing, others: Sequence[Standing]) -> bool:
    if origin == "person":
        return True
    if any(one.origin == "person" for one in (current, *others)):
        return False
    return origin == "import" or (current.state == "unknown" and not others)
