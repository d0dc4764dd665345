"""Batches of label events: opened under their key, and filled with events that carry the state along with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Connection,
    Float,
    Select,
    String,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    tuple_,
)
from sqlalchemy.types import TypeEngine

from catalog import tables
from catalog.label_events import Event
from catalog.label_keys import recorded_under
from catalog.statements import insert_or, plan_for_many_rows, rows_of

PLANNED: Mapping[str, TypeEngine[Any]] = {
    "image_id": BigInteger(),
    "label_id": BigInteger(),
    "decision": String(),
    "previous": String(),
    "previous_origin": String(),
    "origin": String(),
    "score": Float(),
}
NO_SCORE = cast(null(), Float).label("score")  # PostgreSQL takes a bare NULL for text


@dataclass(frozen=True)
class OpenBatch:
    """The head of a batch whose row is written, and what all of its events share."""

    id: int
    author: str
    at: float
    hunt: str | None = None
    encoder_id: str | None = None


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
    request_sha256: str | None = None,
) -> OpenBatch | None:
    """Write the head of a batch; None if there is one with this key already, KeyTaken if another request wrote it."""
    table = tables.label_batch
    values = {"key": key, "kind": kind, "author": author, "at": at, "undoes": undoes, "request_sha256": request_sha256}
    statement = insert_or(connection, table).values(**values, size=0)
    made = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["key"]).returning(table.c.id)
    ).scalar_one_or_none()
    if made is None:
        recorded_under(connection, key, request_sha256)
        return None
    return OpenBatch(made, author, at, hunt, encoder_id)


def planned(connection: Connection, events: Collection[Event]) -> Select[Any]:
    """Events that Python has decided on, for `write_events`."""
    rows = [(*one.pair, one.decision, one.before.state, one.before.origin, one.origin, one.score) for one in events]
    return rows_of(connection, PLANNED, rows)


def write_events(connection: Connection, batch: OpenBatch, plan: Select[Any] | CompoundSelect[Any]) -> int:
    """Append the planned events to a batch that has none yet, and carry the state along; returns how many they are.

    `plan` has the columns PLANNED, and no pair twice. Of an image's events the yes comes last: of two labels that
    exclude each other it is what the batch says, the no what follows from it. All of it stays in the database: 100,000
    events that came to Python and went back would hold the ledger for three times as long.
    """
    event, state, head = tables.label_event, tables.label_state, tables.label_batch
    plan_for_many_rows(connection)
    one = plan.subquery()
    shared = {
        "batch_id": batch.id,
        "author": batch.author,
        "hunt": batch.hunt,
        "encoder_id": batch.encoder_id,
        "at": batch.at,
    }
    values = [literal(value, event.c[name].type).label(name) for name, value in shared.items()]
    ordered = select(*(one.c[name] for name in PLANNED), *values).order_by(
        one.c.image_id, one.c.decision == "yes", one.c.label_id
    )
    connection.execute(insert(event).from_select([*PLANNED, *shared], ordered))
    mine = event.c.batch_id == batch.id
    size = int(connection.execute(select(func.count()).where(mine)).scalar_one())
    connection.execute(head.update().where(head.c.id == batch.id).values(size=size))
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
    return size


def note_batch(connection: Connection, batch: OpenBatch) -> None:
    """Tell the index worker that its copy of the labels of the batch's images is out of date."""
    event = tables.label_event
    images = select(event.c.image_id).where(event.c.batch_id == batch.id).distinct().order_by(event.c.image_id)
    connection.execute(insert(tables.index_change).from_select(["image_id"], images))
