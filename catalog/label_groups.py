"""Label groups: which labels belong together, and whether an image is one of them at most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from catalog import tables
from catalog.errors import InvalidLabel, UnknownGroup
from catalog.label_gate import change_labels
from catalog.label_names import valid_name
from catalog.ledger import Ledger, clock
from catalog.statements import any_of, insert_or


@dataclass(frozen=True)
class LabelGroup:
    """Labels that belong together; in an exclusive group an image is one of them at most."""

    id: int
    name: str
    exclusive: bool
    labels: tuple[str, ...]


def list_groups(ledger: Ledger) -> list[LabelGroup]:
    """Every group by name, with the names of its labels."""
    with ledger.read() as connection:
        return _groups(connection)


def change_group(
    ledger: Ledger, group_id: int, *, name: str | None = None, exclusive: bool | None = None
) -> LabelGroup:
    """Give a group another name, or make it exclusive or not; what is None stays.

    Raises UnknownGroup, and InvalidLabel when another group has the name or images are two of its labels already.
    """
    table = tables.label_group
    with ledger.write() as connection:
        change_labels(connection)
        row = connection.execute(select(table).where(table.c.id == group_id)).one_or_none()
        if row is None:
            raise UnknownGroup(group_id)
        values: dict[str, object] = {"name": row.name if name is None else valid_name(name)}
        taken = select(table.c.id).where(table.c.name == values["name"], table.c.id != group_id)
        if connection.execute(taken).first() is not None:
            raise InvalidLabel(f"There is a group {values['name']} already: choose another name.")
        if exclusive is not None:
            values["exclusive"] = exclusive
        connection.execute(update(table).where(table.c.id == group_id).values(**values))
        if exclusive and not row.exclusive:
            labels = _labels_of(connection, group_id)
            if both := _in_two(connection, labels):
                raise InvalidLabel(
                    f"{_images_are(both)} two labels of the group {row.name}: decide those images first."
                )
        return next(one for one in _groups(connection) if one.id == group_id)


def delete_group(ledger: Ledger, group_id: int) -> None:
    """Take every label out of a group and forget it; the labels and what was decided stay. UnknownGroup."""
    label, table = tables.label, tables.label_group
    with ledger.write() as connection:
        change_labels(connection)
        connection.execute(update(label).where(label.c.group_id == group_id).values(group_id=None))
        if not connection.execute(delete(table).where(table.c.id == group_id)).rowcount:
            raise UnknownGroup(group_id)


def ensure_group(connection: Connection, name: str, *, exclusive: bool) -> int:
    """The id of the group of this name, made if there is none; only then `exclusive` counts. InvalidLabel."""
    table = tables.label_group
    values = {"name": valid_name(name), "exclusive": exclusive, "created_at": clock(connection)}
    connection.execute(insert_or(connection, table).values(**values).on_conflict_do_nothing(index_elements=["name"]))
    return int(connection.execute(select(table.c.id).where(table.c.name == values["name"])).scalar_one())


def move_label(connection: Connection, label_id: int, group_id: int | None) -> None:
    """Put a label into a group, or out of its own.

    InvalidLabel when an image is both the label and another one of the group, where it is one at most. The transaction
    has begun with `change_labels`.
    """
    label, table = tables.label, tables.label_group
    if group_id is not None:
        group = connection.execute(select(table).where(table.c.id == group_id)).one()
        others = _labels_of(connection, group_id) - {label_id}
        if group.exclusive and (both := _in_two(connection, others, with_label=label_id)):
            name = connection.execute(select(label.c.name).where(label.c.id == label_id)).scalar_one()
            raise InvalidLabel(
                f"{_images_are(both)} {name} and another label of the group {group.name}, where an image is one at "
                "most: decide those images first."
            )
    connection.execute(update(label).where(label.c.id == label_id).values(group_id=group_id))


def _labels_of(connection: Connection, group_id: int) -> set[int]:
    label = tables.label
    return set(connection.execute(select(label.c.id).where(label.c.group_id == group_id)).scalars())


def _in_two(connection: Connection, labels: Collection[int], *, with_label: int | None = None) -> int:
    """How many images that are there are two of the labels, or one of them and `with_label`."""
    state, image = tables.label_state, tables.image
    first = state.alias()
    query = (
        select(func.count(func.distinct(state.c.image_id)))
        .join(first, (first.c.image_id == state.c.image_id) & (first.c.label_id != state.c.label_id))
        .join(image, image.c.id == state.c.image_id)
        .where(state.c.label_id.in_(any_of(connection, labels)), state.c.state == "yes")
        .where(first.c.label_id.in_(any_of(connection, labels if with_label is None else [with_label])))
        .where(first.c.state == "yes", image.c.deleted_at.is_(None))
    )
    return int(connection.execute(query).scalar_one())


def _images_are(number: int) -> str:
    return f"{number} {'image is' if number == 1 else 'images are'}"


def _groups(connection: Connection) -> list[LabelGroup]:
    label, table, merge = tables.label, tables.label_group, tables.label_merge
    away = select(merge.c.label_id).where(merge.c.undone.is_(False))
    members: dict[int, list[str]] = {}
    query = select(label.c.group_id, label.c.name).where(label.c.group_id.is_not(None), label.c.id.not_in(away))
    for group_id, name in connection.execute(query.order_by(label.c.name)):
        members.setdefault(group_id, []).append(name)
    rows = connection.execute(select(table).order_by(table.c.name))
    return [LabelGroup(row.id, row.name, row.exclusive, tuple(members.get(row.id, ()))) for row in rows]
