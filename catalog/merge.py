"""Merging one label into another: the decisions move over as events of one batch, and one undo takes them back.

What was decided about the merged label goes over to the other one, image by image, by these rules:

- a yes and a no go where nothing was said; a yes beats an open question, and so does a no;
- of two decisions that disagree the stronger one holds: a person's before an import's before a folder's;
- of two equally strong ones that disagree none is taken: both stay as they are and are counted as contradictions. A
  label of the same exclusive group that the image is already disagrees too. Between two labels of one exclusive group
  the later decision holds, because there the one's yes has made the other one's no.

With no contradiction left the merged label leaves the lists, and its name means the other label from then on. With some
left it stays, holding just these images: decide them, then merge again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, insert, not_, or_, select

from catalog import tables
from catalog.errors import InvalidLabel, UnknownLabel
from catalog.label_batches import OpenBatch, note_batch, open_batch, write_events
from catalog.label_events import lock_images_of
from catalog.label_gate import change_labels
from catalog.label_keys import check_key
from catalog.label_merges import merged
from catalog.label_moving import moving
from catalog.ledger import Ledger, clock
from catalog.statements import any_of


@dataclass(frozen=True)
class MergeResult:
    """What became of a merge, in images: `moved` left the merged label, `contradictions` stayed.

    `repeated`: its key was used before and nothing was written now.
    """

    batch_id: int
    moved: int
    contradictions: int
    repeated: bool


@dataclass(frozen=True)
class MergePlan:
    """What a merge would do, in images, each counted once of `yes`, `no`, `same` and `contradictions`.

    `yes` become the other label, `no` are ruled out for it, `same` leave it as it is, `contradictions` stay. `ended`
    counts images that another label of its exclusive group is taken from.
    """

    yes: int
    no: int
    same: int
    contradictions: int
    ended: int


def plan_merge(ledger: Ledger, label_id: int, *, into: int) -> MergePlan:
    """What `merge_label` would do now; nothing is written. UnknownLabel, InvalidLabel."""
    with ledger.read() as connection:
        _check(connection, label_id, into)
        one = moving(label_id, into).subquery()
        mine, theirs = one.c.label_id == label_id, one.c.label_id == into
        counts = (
            func.count(case((mine, 1))),
            func.count(case((and_(theirs, one.c.decision == "yes"), 1))),
            func.count(case((and_(theirs, one.c.decision == "no"), 1))),
            func.count(case((not_(or_(mine, theirs)), one.c.image_id)).distinct()),
        )
        opened, yes, no, ended = connection.execute(select(*counts)).one()
        return MergePlan(yes, no, opened - yes - no, _left(connection, label_id) - opened, ended)


def merge_label(
    ledger: Ledger, label_id: int, *, into: int, author: str, key: str, request_sha256: str | None = None
) -> MergeResult:
    """Merge a label into another one, as the module says; UnknownLabel, InvalidLabel, InvalidKey, KeyTaken."""
    check_key(key)
    head = tables.label_batch
    with ledger.write() as connection:
        change_labels(connection)
        now = clock(connection)
        batch = open_batch(connection, key=key, kind="merge", author=author, at=now, request_sha256=request_sha256)
        if batch is None:
            former = connection.execute(select(head.c.id).where(head.c.key == key)).scalar_one()
            moved, left = _moved(connection, former, label_id), _left(connection, label_id)
            return MergeResult(former, moved, left, repeated=True)
        moved, contradictions = write_merge(connection, batch, label_id, into)
    return MergeResult(batch.id, moved, contradictions, repeated=False)


def write_merge(connection: Connection, batch: OpenBatch, label_id: int, into: int) -> tuple[int, int]:
    """Merge within a batch that is open; returns (images moved, contradictions). UnknownLabel, InvalidLabel.

    The transaction has begun with `change_labels`.
    """
    state = tables.label_state
    _check(connection, label_id, into)
    lock_images_of(connection, select(state.c.image_id).where(state.c.label_id == label_id))
    write_events(connection, batch, moving(label_id, into))
    note_batch(connection, batch)
    contradictions = _left(connection, label_id)
    if not contradictions:
        values = {"batch_id": batch.id, "label_id": label_id, "into_id": into, "undone": False}
        connection.execute(insert(tables.label_merge).values(**values))
    return _moved(connection, batch.id, label_id), contradictions


def _check(connection: Connection, label_id: int, into: int) -> None:
    label = tables.label
    both = select(label.c.id, label.c.name).where(label.c.id.in_(any_of(connection, [label_id, into])))
    names: dict[int, str] = {row.id: row.name for row in connection.execute(both)}
    if missing := {label_id, into} - names.keys():
        raise UnknownLabel(missing)
    if label_id == into:
        raise InvalidLabel(f"{names[into]} cannot be merged into itself: choose another label.")
    away = merged(connection)
    for one in (label_id, into):
        if one in away:
            raise InvalidLabel(f"{names[one]} has been merged into another label: undo that first.")


def _moved(connection: Connection, batch_id: int, label_id: int) -> int:
    event = tables.label_event
    query = select(func.count()).where(event.c.batch_id == batch_id, event.c.label_id == label_id)
    return int(connection.execute(query).scalar_one())


def _left(connection: Connection, label_id: int) -> int:
    state = tables.label_state
    query = select(func.count()).where(state.c.label_id == label_id)
    return int(connection.execute(query).scalar_one())
