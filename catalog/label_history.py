"""The batches of label decisions, newest first; taking one back, and doing it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.errors import NotUndone, UnknownBatch
from catalog.label_batches import note_batch, open_batch, write_events
from catalog.label_events import lock_images_of
from catalog.label_gate import change_labels, keep_labels
from catalog.label_keys import check_key, recorded_under
from catalog.label_restoring import restoring
from catalog.ledger import Ledger, clock
from catalog.merge import write_merge
from catalog.statements import any_of


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch; `repeated`: its key was used before and nothing was written now.

    `images`: how many it changed; of one whose label came back in place of another, two decisions are counted.
    """

    batch_id: int
    applied: int
    unchanged: int
    images: int
    repeated: bool


@dataclass(frozen=True)
class BatchPart:
    """How many of a batch's events decided this for this label."""

    label_id: int
    label: str
    colour: str
    decision: str
    images: int


@dataclass(frozen=True)
class Batch:
    """A line of the history; `undoes` and `undone_by` are ids of batches.

    `undone_by` is the undo in effect (of an undo: the redo), None where there is none, or it was undone in turn.
    """

    id: int
    key: str
    kind: str
    author: str
    size: int
    at: float
    undoes: int | None
    undone_by: int | None
    parts: tuple[BatchPart, ...]


def batches(ledger: Ledger, limit: int, offset: int = 0, *, author: str | None = None) -> list[Batch]:
    """The batches that changed something, newest first, and every merge; those of one author, if one is named."""
    head = tables.label_batch
    listed = select(head).where(or_(head.c.size > 0, head.c.kind == "merge")).order_by(head.c.id.desc())
    if author is not None:
        listed = listed.where(head.c.author == author)
    with ledger.read() as connection:
        return _described(connection, connection.execute(listed.limit(limit).offset(offset)).all())


def one_batch(ledger: Ledger, batch_id: int) -> Batch:
    """This batch; UnknownBatch."""
    with ledger.read() as connection:
        return _described(connection, [_load(connection, batch_id)])[0]


def authors(ledger: Ledger) -> list[str]:
    """Everybody who has ever decided something, by name."""
    with ledger.read() as connection:
        return list(connection.scalars(select(tables.label_batch.c.author).distinct().order_by("author")))


def _described(connection: Connection, rows: Sequence[Row[Any]]) -> list[Batch]:
    event, label = tables.label_event, tables.label
    undone_by = _undone_by(connection, [row.id for row in rows])
    query = (
        select(event.c.batch_id, label.c.id, label.c.name, label.c.colour, event.c.decision, func.count())
        .join(label, label.c.id == event.c.label_id)
        .where(event.c.batch_id.in_([row.id for row in rows]))
        .group_by(event.c.batch_id, label.c.id, label.c.name, label.c.colour, event.c.decision)
        .order_by(func.count().desc(), label.c.name)
    )
    parts: dict[int, list[BatchPart]] = {}
    for batch_id, *rest in connection.execute(query):
        parts.setdefault(batch_id, []).append(BatchPart(*rest))
    return [
        Batch(
            row.id,
            row.key,
            row.kind,
            row.author,
            row.size,
            row.at,
            row.undoes,
            undone_by[row.id],
            tuple(parts.get(row.id, ())),
        )
        for row in rows
    ]


def undo(
    ledger: Ledger, batch_id: int, *, author: str, key: str, by: By | None = None, request_sha256: str | None = None
) -> BatchResult:
    """Put back what a batch changed, wherever its decision is still the last one: a new batch, of its own.

    Undoing an undo is a redo. Raises UnknownBatch, InvalidKey, KeyTaken. `unchanged` counts what was decided anew
    since. `by`: the author as the audit log names them, which has what is done to the batch of another.
    """
    check_key(key)
    with ledger.write() as connection:
        target = _open(connection, batch_id)
        done = _take_back(connection, target, author=author, key=key, request_sha256=request_sha256)
        if by is not None and not done.repeated and target.author != author:
            note(connection, by, "undo of another's", f"batch {batch_id} of {target.author}")
        return done


def redo(
    ledger: Ledger, batch_id: int, *, author: str, key: str, by: By | None = None, request_sha256: str | None = None
) -> BatchResult:
    """Do again what a batch changed and an undo took back: a new batch, of its own.

    Raises NotUndone, UnknownBatch, InvalidKey, KeyTaken. `unchanged` counts what was decided anew since the undo.
    `by`: as of `undo`; that another has undone the batch counts too.
    """
    check_key(key)
    head = tables.label_batch
    with ledger.write() as connection:
        target = batch = _open(connection, batch_id)
        recorded_under(connection, key, request_sha256)
        former = connection.execute(select(head.c.undoes).where(head.c.key == key)).scalar_one_or_none()
        if former is not None:
            return _take_back(connection, _load(connection, former), author=author, key=key)
        if target.kind != "undo":
            undone_by = _undone_by(connection, [batch_id])[batch_id]
            if undone_by is None:
                raise NotUndone(batch_id)
            target = _load(connection, undone_by)
        done = _take_back(connection, target, author=author, key=key, request_sha256=request_sha256)
        if by is not None and not done.repeated and {batch.author, target.author} != {author}:
            undone = "" if target is batch else f", undone by {target.author}"
            note(connection, by, "redo of another's", f"batch {batch_id} of {batch.author}{undone}")
        return done


def _take_back(
    connection: Connection, target: Row[Any], *, author: str, key: str, request_sha256: str | None = None
) -> BatchResult:
    head, merge = tables.label_batch, tables.label_merge
    kind = "redo" if target.kind == "undo" else "undo"
    now = clock(connection)
    batch = open_batch(
        connection, key=key, kind=kind, author=author, at=now, undoes=target.id, request_sha256=request_sha256
    )
    if batch is None:
        former = connection.execute(select(head).where(head.c.key == key)).one()
        return _taken_back(connection, former.id, former.size, of=target, repeated=True)
    joined = connection.execute(select(merge).where(merge.c.batch_id == target.undoes)).one_or_none()
    if kind == "redo" and joined is not None:
        # As a new merge: what was decided about the label since the undo has to go over too.
        write_merge(connection, batch, joined.label_id, joined.into_id)
        size = connection.execute(select(head.c.size).where(head.c.id == batch.id)).scalar_one()
        return _taken_back(connection, batch.id, size, of=target)
    apart = update(merge).where(merge.c.batch_id == target.id).values(undone=True)
    merging = connection.execute(apart).rowcount > 0 or target.kind == "merge"
    event = tables.label_event
    lock_images_of(connection, select(event.c.image_id).where(event.c.batch_id == target.id))
    plan = restoring(target.id, again=target.kind in {"undo", "redo"}, exactly=merging)
    size = write_events(connection, batch, plan)
    note_batch(connection, batch)
    return _taken_back(connection, batch.id, size, of=target)


def _taken_back(
    connection: Connection, batch_id: int, size: int, *, of: Row[Any], repeated: bool = False
) -> BatchResult:
    event = tables.label_event
    images = connection.execute(select(func.count(event.c.image_id.distinct())).where(event.c.batch_id == batch_id))
    return BatchResult(batch_id, size, max(0, of.size - size), images.scalar_one(), repeated)


def _open(connection: Connection, batch_id: int) -> Row[Any]:
    """The batch, and the gate passed for taking it back or doing it again."""
    target = first = _load(connection, batch_id)
    while first.undoes is not None:
        first = _load(connection, first.undoes)
    if first.kind == "merge":
        change_labels(connection)
    else:
        keep_labels(connection)
    return target


def _load(connection: Connection, batch_id: int) -> Row[Any]:
    row = connection.execute(select(tables.label_batch).where(tables.label_batch.c.id == batch_id)).one_or_none()
    if row is None:
        raise UnknownBatch(batch_id)
    return row


def _undone_by(connection: Connection, batch_ids: Iterable[int]) -> dict[int, int | None]:
    """Batch -> the undo in effect: the last one that takes it back, or takes back the redo of one that did."""
    head = tables.label_batch
    later: dict[int, list[int]] = {}
    asked = found = set(batch_ids)
    while found:
        query = select(head.c.id, head.c.undoes).where(head.c.undoes.in_(any_of(connection, found)))
        rows = connection.execute(query.order_by(head.c.id.desc())).all()
        for batch_id, undoes in rows:
            later.setdefault(undoes, []).append(batch_id)
        found = {row.id for row in rows}
    last: dict[int, int | None] = {}
    # An undo is younger than what it undoes: from the youngest on, every answer is there before it is needed.
    for batch_id in sorted(asked | {one for some in later.values() for one in some}, reverse=True):
        undone_by = next((one for one in later.get(batch_id, ()) if last[one] is None), None)
        redone = later.get(undone_by, []) if undone_by is not None else []
        last[batch_id] = last[redone[0]] if redone else undone_by
    return last
