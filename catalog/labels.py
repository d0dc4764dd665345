"""Labels, what people decide about images with them, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, union_all, update

from catalog import tables
from catalog.errors import InvalidLabel, UnknownLabel
from catalog.label_batches import note_batch, open_batch, planned, write_events
from catalog.label_events import Decision, Origin, Pair, State, decide, lock_images, rivals_of, standings
from catalog.label_gate import change_labels, keep_labels
from catalog.label_groups import ensure_group, move_label
from catalog.label_history import Batch, BatchResult, batches, redo, undo
from catalog.label_keys import check_key
from catalog.label_merges import merged, merged_into
from catalog.label_names import colour_of, valid_colour, valid_name
from catalog.ledger import Ledger, clock, writing
from catalog.merge import MergePlan, MergeResult, merge_label, plan_merge
from catalog.statements import any_of, insert_or, slices

__all__ = [
    "Batch",
    "BatchResult",
    "Decision",
    "Label",
    "LabelCount",
    "LabelState",
    "MergePlan",
    "MergeResult",
    "batches",
    "change_label",
    "ensure_label",
    "labelled_images",
    "list_labels",
    "merge_label",
    "plan_merge",
    "record",
    "redo",
    "rename_label",
    "states",
    "undo",
]

Still = Callable[[Connection, set[int]], set[int]]

LABELS_AT_ONCE = 100  # SQLite takes 500 parts of a union


@dataclass(frozen=True)
class Label:
    """A name that images can have; `group` is the name of its label group, where `exclusive` means one at most."""

    id: int
    name: str
    colour: str
    group: str | None
    exclusive: bool


@dataclass(frozen=True)
class LabelCount:
    """A label and the number of images, deleted ones aside, that are (`yes`) and are not (`no`) it."""

    label: Label
    yes: int
    no: int


@dataclass(frozen=True)
class LabelState:
    """A label that was decided for an image."""

    label_id: int
    name: str
    colour: str
    state: State
    origin: Origin


def ensure_label(where: Ledger | Connection, name: str, *, group: str | None = None, exclusive: bool = True) -> Label:
    """The label of this name, made if there is none, moved into `group` if one is named; InvalidLabel.

    `exclusive` counts when the group is made: then an image is at most one label of it, and a label does not move in
    while an image is both this one and another of the group.
    """
    label = tables.label
    wanted = valid_name(name)
    with writing(where) as connection:
        if group is not None:
            change_labels(connection)
        group_id = None if group is None else ensure_group(connection, group, exclusive=exclusive)
        found = connection.execute(select(label.c.id, label.c.group_id).where(label.c.name == wanted)).one_or_none()
        if found is None:
            number = connection.execute(select(func.count()).select_from(label)).scalar_one()
            made = insert_or(connection, label).values(
                name=wanted, group_id=group_id, colour=colour_of(number), created_at=clock(connection)
            )
            connection.execute(made.on_conflict_do_nothing(index_elements=["name"]))
            return _label_of(connection.execute(_labels().where(label.c.name == wanted)).one())
        today = merged_into(connection, [found.id])[found.id]
        one = _load(connection, today)
        if group is not None and one.group != valid_name(group):
            move_label(connection, today, group_id)
        return _load(connection, today)


def change_label(
    ledger: Ledger,
    label_id: int,
    *,
    name: str | None = None,
    colour: str | None = None,
    group: str | Literal[False] | None = None,
    exclusive: bool = True,
) -> Label:
    """Give a label another name, colour (#rrggbb) or group; what is None stays, and a group of False is none.

    `exclusive` counts when the group is made. InvalidLabel when a label has the name, the colour is none, or images
    are another label of the exclusive group too; UnknownLabel. All of it is done, or nothing.
    """
    label = tables.label
    values: dict[str, str] = {}
    if name is not None:
        values["name"] = valid_name(name)
    if colour is not None:
        values["colour"] = valid_colour(colour)
    with ledger.write() as connection:
        change_labels(connection)
        one = _load(connection, label_id)
        if "name" in values:
            taken = select(label.c.id).where(label.c.name == values["name"], label.c.id != label_id)
            other = connection.execute(taken).scalar_one_or_none()
            if other is not None and other in merged(connection):
                raise InvalidLabel(
                    f"The name {values['name']} means the label it was merged into: choose another name."
                )
            if other is not None:
                raise InvalidLabel(f"There is a label {values['name']} already: choose another name.")
        if group is False:
            move_label(connection, label_id, None)
        elif group is not None and one.group != valid_name(group):
            move_label(connection, label_id, ensure_group(connection, group, exclusive=exclusive))
        if values:
            connection.execute(update(label).where(label.c.id == label_id).values(**values))
        return _load(connection, label_id)


def rename_label(ledger: Ledger, label_id: int, name: str) -> Label:
    """Give a label another name; InvalidLabel when a label has it already, UnknownLabel."""
    return change_label(ledger, label_id, name=name)


def list_labels(ledger: Ledger) -> list[LabelCount]:
    """Every label by name, with its counts; none that was merged into another one."""
    state, image = tables.label_state, tables.image
    all_of = select(state.c.label_id, state.c.state, func.count()).group_by(state.c.label_id, state.c.state)
    deleted = select(image.c.id).where(image.c.deleted_at.is_not(None))
    with ledger.read() as connection:
        counts = {(label_id, value): number for label_id, value, number in connection.execute(all_of)}
        for label_id, value, number in connection.execute(all_of.where(state.c.image_id.in_(deleted))):
            counts[label_id, value] -= number
        hidden = merged(connection)
        rows = connection.execute(_labels().order_by(tables.label.c.name))
        labels = [_label_of(row) for row in rows if row.id not in hidden]
    return [LabelCount(one, counts.get((one.id, "yes"), 0), counts.get((one.id, "no"), 0)) for one in labels]


def record(
    ledger: Ledger,
    *,
    key: str,
    author: str,
    decisions: Sequence[Decision],
    origin: Origin = "person",
    kind: str = "decide",
    hunt: str | None = None,
    encoder_id: str | None = None,
    still: Still | None = None,
    request_sha256: str | None = None,
) -> BatchResult:
    """Write decisions as one batch, all or none; with a key that was used before, write nothing.

    Raises UnknownImage, UnknownLabel, InvalidKey, and KeyTaken where another request than this (`request_sha256`) used
    the key. A yes in an exclusive group makes the group's other yes a no, in the same batch. A label that was merged
    stands for the one that it is today. `applied` counts the decisions that changed something, `unchanged` the others.
    `still` tells, once the images are locked, which of them stand as they did when they were chosen: a decision made
    without looking at each must not replace one made meanwhile.
    """
    check_key(key)
    asked = {(one.image_id, one.label_id) for one in decisions}
    with ledger.write() as connection:
        keep_labels(connection)
        batch = open_batch(
            connection,
            key=key,
            kind=kind,
            author=author,
            at=clock(connection),
            hunt=hunt,
            encoder_id=encoder_id,
            request_sha256=request_sha256,
        )
        if batch is None:
            return _repeated(connection, key, asked)
        images = {one.image_id for one in decisions}
        lock_images(connection, images)
        if still is not None:
            images = still(connection, images)
            decisions = [one for one in decisions if one.image_id in images]
            asked = {pair for pair in asked if pair[0] in images}
        today = merged_into(connection, {one.label_id for one in decisions})
        if any(now != label_id for label_id, now in today.items()):
            decisions = [replace(one, label_id=today[one.label_id]) for one in decisions]
            asked = {(image_id, today[label_id]) for image_id, label_id in asked}
        rivals = rivals_of(connection, set(today.values()))
        labels = set(rivals) | {rival for group in rivals.values() for rival in group}
        base = standings(connection, images, labels)
        events = decide(decisions, origin=origin, base=base, rivals=rivals)
        write_events(connection, batch, planned(connection, events.values()))
        note_batch(connection, batch)
        applied = sum(pair in events for pair in asked)
        changed = len({image_id for image_id, _ in events})
    return BatchResult(batch.id, applied, len(asked) - applied, changed, repeated=False)


def states(ledger: Ledger, image_ids: Iterable[int]) -> dict[int, list[LabelState]]:
    """What was decided for each of the images, by label name; an image without any has no entry."""
    label, state = tables.label, tables.label_state
    found: dict[int, list[LabelState]] = {}
    with ledger.read() as connection:
        query = (
            select(state.c.image_id, label.c.id, label.c.name, label.c.colour, state.c.state, state.c.origin)
            .join(label, label.c.id == state.c.label_id)
            .where(state.c.image_id.in_(any_of(connection, image_ids)))
            .order_by(label.c.name)
        )
        for image_id, *rest in connection.execute(query):
            found.setdefault(image_id, []).append(LabelState(*rest))
    return found


def labelled_images(ledger: Ledger, *, limit_per_label: int) -> list[tuple[int, int]]:
    """(image id, label id) of images that are there and are that label, the latest decided ones of each label.

    Reads no more rows than it returns, but for deleted images: each label's are in an index, newest last.
    """
    image, state = tables.image, tables.label_state
    found: list[tuple[int, int]] = []
    with ledger.read() as connection:
        for ids in slices(connection.scalars(select(tables.label.c.id)).all(), LABELS_AT_ONCE):
            latest = [
                select(state.c.image_id, state.c.label_id)
                .join(image, image.c.id == state.c.image_id)
                .where(state.c.label_id == label_id, state.c.state == "yes", image.c.deleted_at.is_(None))
                .order_by(state.c.event_id.desc())
                .limit(limit_per_label)
                .subquery()
                for label_id in ids
            ]
            rows = connection.execute(union_all(*(select(one) for one in latest)))
            found += [(row.image_id, row.label_id) for row in rows]
    return found


def _load(connection: Connection, label_id: int) -> Label:
    row = connection.execute(_labels().where(tables.label.c.id == label_id)).one_or_none()
    if row is None:
        raise UnknownLabel([label_id])
    return _label_of(row)


def _repeated(connection: Connection, key: str, asked: set[Pair]) -> BatchResult:
    head, event = tables.label_batch, tables.label_event
    batch_id = connection.execute(select(head.c.id).where(head.c.key == key)).scalar_one()
    query = select(event.c.image_id, event.c.label_id).where(event.c.batch_id == batch_id)
    written = {(image_id, label_id) for image_id, label_id in connection.execute(query)}
    # It may have been written before its label was merged, or after, and be asked again by either's name.
    today = merged_into(connection, {label_id for _, label_id in asked | written})
    there = {(image_id, today[label_id]) for image_id, label_id in written}
    applied = sum((image_id, today[label_id]) in there for image_id, label_id in asked)
    changed = len({image_id for image_id, _ in written})
    return BatchResult(batch_id, applied, len(asked) - applied, changed, repeated=True)


def _labels() -> Any:
    label, group = tables.label, tables.label_group
    joined = label.outerjoin(group, group.c.id == label.c.group_id)
    columns = (label.c.id, label.c.name, label.c.colour, group.c.name.label("group"), group.c.exclusive)
    return select(*columns).select_from(joined)


def _label_of(row: Row[Any]) -> Label:
    return Label(row.id, row.name, row.colour, row.group, bool(row.exclusive))
