"""What holds of some images for one label: which are it, which are not, and which nobody has decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, and_, func, or_, select

from catalog.label_events import rivals_of
from catalog.label_merges import merged_into
from catalog.labels import Still
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from catalog.statements import any_of
from catalog.tables import image, label_state


@dataclass(frozen=True)
class Standing:
    """`yes` are the label; `open` are there and neither are it, nor are not, nor are a rival of its exclusive group."""

    yes: frozenset[int]
    open: frozenset[int]

    def flags(self, image_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of the images (n,) are the label."""
        return np.array([image_id in self.yes for image_id in image_ids.tolist()], np.bool_)


def standing_of(ledger: Ledger, label_id: int, image_ids: Collection[int]) -> Standing:
    """How the images stand to the label; UnknownLabel."""
    with ledger.read() as connection:
        return standing_in(connection, label_id, image_ids)


def standing_in(connection: Connection, label_id: int, image_ids: Collection[int]) -> Standing:
    """As `standing_of`, within a transaction."""
    among = any_of(connection, image_ids)
    rivals = rivals_of(connection, [label_id])[label_id]
    there = select(image.c.id).where(image.c.deleted_at.is_(None), image.c.id.in_(among))
    about = or_(
        label_state.c.label_id == label_id,
        and_(label_state.c.label_id.in_(rivals), label_state.c.state == "yes"),
    )
    query = select(label_state.c.image_id, label_state.c.label_id, label_state.c.state)
    rows = connection.execute(query.where(label_state.c.image_id.in_(among), about)).all()
    alive = set(connection.scalars(there))
    yes = {row.image_id for row in rows if row.label_id == label_id and row.state == "yes"}
    return Standing(frozenset(yes), frozenset(alive - {row.image_id for row in rows}))


def still_open(label_id: int) -> Still:
    """For `record`: which images nobody has decided for the label, or for what it has been merged into."""

    def still(connection: Connection, image_ids: set[int]) -> set[int]:
        today = merged_into(connection, [label_id])[label_id]
        return image_ids & standing_in(connection, today, image_ids).open

    return still


def settled(ledger: Ledger, wanted: SearchFilter) -> npt.NDArray[np.int64]:
    """The images (n,) that `wanted` leaves out: what its undecided label was decided for, and what is a rival."""
    about = or_(
        label_state.c.label_id == wanted.undecided,
        and_(label_state.c.label_id.in_(wanted.none_of), label_state.c.state == "yes"),
    )
    with ledger.read() as connection:
        return np.fromiter(connection.scalars(select(label_state.c.image_id).where(about)), np.int64)


def rivals(ledger: Ledger, label_id: int) -> tuple[int, ...]:
    """The other labels of the label's exclusive group; UnknownLabel."""
    with ledger.read() as connection:
        return tuple(sorted(rivals_of(connection, [label_id])[label_id]))


def count_yes(ledger: Ledger, label_id: int) -> int:
    """How many images that are there are the label."""
    yes = (
        select(func.count())
        .select_from(label_state)
        .join(image, image.c.id == label_state.c.image_id)
        .where(label_state.c.label_id == label_id, label_state.c.state == "yes", image.c.deleted_at.is_(None))
    )
    with ledger.read() as connection:
        return int(connection.scalar(yes) or 0)
