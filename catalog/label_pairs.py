"""Every image with every label that it is, as two columns of numbers: for work on all images at once."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from sqlalchemy import select

from catalog.label_merges import merged
from catalog.ledger import Ledger
from catalog.shards import Ids
from catalog.statements import any_of
from catalog.tables import image, label_state


def label_pairs(ledger: Ledger, label_ids: Collection[int] | None = None) -> tuple[Ids, Ids]:
    """Image ids (n,) and label ids (n,), by image and label: the images that are there and are that label.

    Only those of `label_ids` where any are named; none that was merged into another one.
    """
    query = (
        select(label_state.c.image_id, label_state.c.label_id)
        .join(image, image.c.id == label_state.c.image_id)
        .where(label_state.c.state == "yes", image.c.deleted_at.is_(None))
        .order_by(label_state.c.image_id, label_state.c.label_id)
    )
    with ledger.read() as connection:
        if hidden := merged(connection):
            query = query.where(label_state.c.label_id.not_in(any_of(connection, hidden)))
        if label_ids is not None:
            query = query.where(label_state.c.label_id.in_(any_of(connection, label_ids)))
        rows = np.array([tuple(row) for row in connection.execute(query)], dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
