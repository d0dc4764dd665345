"""How labels overlap, and how the images of a label are told from everything else: what a comparison starts from."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from catalog import tables
from catalog.ledger import Ledger


def overlaps(ledger: Ledger, label_id: int) -> dict[int, tuple[int, int]]:
    """Other label -> how many images are both, and how many are that label; only labels that some image is.

    Deleted images count as well: what labels mean to each other does not change with them.
    """
    state, other = tables.label_state, tables.label_state.alias()
    both = (
        select(other.c.label_id, func.count())
        .select_from(state)
        .join(other, other.c.image_id == state.c.image_id)
        .where(state.c.label_id == label_id, state.c.state == "yes", other.c.state == "yes")
        .group_by(other.c.label_id)
    )
    all_of = select(state.c.label_id, func.count()).where(state.c.state == "yes").group_by(state.c.label_id)
    with ledger.read() as connection:
        together = {row[0]: int(row[1]) for row in connection.execute(both)}
        sizes = {row[0]: int(row[1]) for row in connection.execute(all_of)}
    return {one: (together.get(one, 0), size) for one, size in sizes.items() if one != label_id}


def also_labelled(ledger: Ledger, label_id: int, others: Collection[int]) -> list[int]:
    """The images that are the label and one of the others as well."""
    state, other = tables.label_state, tables.label_state.alias()
    query = (
        select(state.c.image_id)
        .distinct()
        .join(other, other.c.image_id == state.c.image_id)
        .where(state.c.label_id == label_id, state.c.state == "yes")
        .where(other.c.label_id.in_(others), other.c.state == "yes")
    )
    with ledger.read() as connection:
        return list(connection.scalars(query))


def rejected_images(ledger: Ledger, label_id: int, *, limit: int) -> list[int]:
    """Images that are there and were said not to be the label, the last decided first."""
    state, image = tables.label_state, tables.image
    query = (
        select(state.c.image_id)
        .join(image, image.c.id == state.c.image_id)
        .where(state.c.label_id == label_id, state.c.state == "no", image.c.deleted_at.is_(None))
        .order_by(state.c.event_id.desc())
        .limit(limit)
    )
    with ledger.read() as connection:
        return list(connection.scalars(query))
