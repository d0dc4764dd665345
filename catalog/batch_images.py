"""The images of a batch, each with what it decided."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from catalog import tables
from catalog.label_events import State
from catalog.ledger import Ledger


class Said(NamedTuple):
    """One decision of a batch."""

    image_id: int
    label: str
    colour: str
    decision: State


def batch_images(ledger: Ledger, batch_id: int, *, limit: int) -> list[Said]:
    """The first decisions of a batch, about images that are there."""
    event, image, label = tables.label_event, tables.image, tables.label
    query = (
        select(event.c.image_id, label.c.name, label.c.colour, event.c.decision)
        .join(label, label.c.id == event.c.label_id)
        .join(image, image.c.id == event.c.image_id)
        .where(event.c.batch_id == batch_id, image.c.deleted_at.is_(None))
        .order_by(event.c.id)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [Said(*row) for row in connection.execute(query)]
