"""What people said of an image that nothing shows any more, carried over to the images with the same pixels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, exists, select

from catalog import tables
from catalog.label_batches import open_batch, planned, write_events
from catalog.label_events import UNDECIDED, Event, Pair, Standing, rivals_of, standings
from catalog.label_merges import merged_into
from catalog.ledger import clock
from catalog.statements import any_of

_BEST_FIRST = ("person", "import", "folder")


def heirs_of(connection: Connection, image_ids: Iterable[int]) -> set[int]:
    """The images with the pixels of these that would take over their labels: to be locked before `carry_over`."""
    return {heir for heirs in _heirs(connection, image_ids).values() for heir in heirs}


def carry_over(connection: Connection, image_ids: Collection[int]) -> set[int]:
    """Give the states of deleted images to their twins, where nobody has said anything; returns the images labelled.

    A file that was renamed and edited at once is a new image, until the old file is known to be gone. The transaction
    has begun with `keep_labels`.
    """
    heirs = _heirs(connection, image_ids)
    event, state = tables.label_event, tables.label_state
    query = (
        select(state.c.image_id, state.c.label_id, state.c.state, state.c.origin, event.c.author, event.c.score)
        .join(event, event.c.id == state.c.event_id)
        .where(state.c.image_id.in_(any_of(connection, heirs)))
        .order_by(state.c.image_id, state.c.label_id)
    )
    said = sorted(connection.execute(query).all(), key=lambda row: _BEST_FIRST.index(row.origin))
    if not said:
        return set()
    today = merged_into(connection, {row.label_id for row in said})
    rivals = rivals_of(connection, set(today.values()))
    labels = set(rivals) | {rival for group in rivals.values() for rival in group}
    targets = {heir for some in heirs.values() for heir in some}
    known = standings(connection, targets, labels)
    by_author: dict[str, list[Event]] = {}
    for row in said:
        for heir in heirs[row.image_id]:
            label_id = today[row.label_id]
            if (one := _event(row, (heir, label_id), known, rivals[label_id])) is not None:
                known[one.pair] = Standing(one.decision, one.origin)
                by_author.setdefault(row.author, []).append(one)
    for author, events in sorted(by_author.items()):
        key = f"twin:{uuid4().hex}"
        batch = open_batch(connection, key=key, kind="import", author=author, at=clock(connection))
        if batch is not None:  # a key that was made this moment is free
            write_events(connection, batch, planned(connection, events))
    return {one.pair[0] for events in by_author.values() for one in events}


def _event(row: Any, pair: Pair, known: Mapping[Pair, Standing], rivals: Sequence[int]) -> Event | None:
    if pair in known:
        return None
    if row.state == "yes" and any(known.get((pair[0], rival), UNDECIDED).state == "yes" for rival in rivals):
        return None
    return Event(pair, row.state, row.origin, UNDECIDED, row.score)


def _heirs(connection: Connection, image_ids: Iterable[int]) -> dict[int, list[int]]:
    """Image with a decision -> the images that are there and have its pixels."""
    image, state = tables.image, tables.label_state
    twin = image.alias()
    query = (
        select(image.c.id, twin.c.id)
        .join(twin, twin.c.pixel_hash == image.c.pixel_hash)
        .where(
            image.c.id.in_(any_of(connection, image_ids)),
            exists().where(state.c.image_id == image.c.id),
            twin.c.id != image.c.id,
            twin.c.deleted_at.is_(None),
        )
        .order_by(image.c.id, twin.c.id)
    )
    heirs: dict[int, list[int]] = {}
    for image_id, twin_id in connection.execute(query):
        heirs.setdefault(image_id, []).append(twin_id)
    return heirs
