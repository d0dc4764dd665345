"""Deletes the images that nothing shows any more, at the end of a job, in short transactions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, or_, select, update

from catalog import tables
from catalog.images import LIVE_PLACE, lock_there, note_changes, placeless
from catalog.label_gate import keep_labels
from catalog.ledger import Ledger, clock
from catalog.statements import any_of, slices
from catalog.twins import carry_over, heirs_of

AT_ONCE = 1000
NOT_LIVE_PLACE = ("gone", "bad")


def delete_vanished(ledger: Ledger, source_id: int) -> None:
    """Delete the images whose files in this source are gone or cannot be read, unless they are elsewhere too.

    Vectors stay in the ledger: when the files come back, from an unmounted disk for one, nothing is done again.
    Labels go over to images with the same pixels. Whatever breaks it off, running it again does the rest.
    """
    for ids in slices(_candidates(ledger, source_id), AT_ONCE):
        with ledger.write() as connection:
            keep_labels(connection)
            _delete(connection, ids)


def _candidates(ledger: Ledger, source_id: int) -> list[int]:
    """Looked for in a transaction that keeps no writer waiting: it goes through all images."""
    image, place = tables.image, tables.place
    live = exists().where(place.c.image_id == image.c.id, place.c.state.in_(LIVE_PLACE))
    went = select(place.c.image_id).where(place.c.source_id == source_id, place.c.state.in_(NOT_LIVE_PLACE))
    any_place = exists().where(place.c.image_id == image.c.id)
    # An edited file's former image has no place of any state.
    query = select(image.c.id).where(image.c.deleted_at.is_(None), or_(image.c.id.in_(went), ~any_place), ~live)
    with ledger.read() as connection:
        return list(connection.execute(query.order_by(image.c.id)).scalars())


def _delete(connection: Connection, ids: Sequence[int]) -> None:
    there = set(lock_there(connection, {*ids, *heirs_of(connection, ids)}))
    lost = placeless(connection, there.intersection(ids))  # a commit may have shown one meanwhile
    image = tables.image
    now = clock(connection)
    connection.execute(update(image).where(image.c.id.in_(any_of(connection, lost))).values(deleted_at=now))
    note_changes(connection, carry_over(connection, lost).union(lost))
