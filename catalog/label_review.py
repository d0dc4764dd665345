"""The images of a label as people look through them once more: which have been looked at, and what a look decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, select

from catalog import tables
from catalog.errors import UnknownLabel
from catalog.images import note_changes
from catalog.label_batches import open_batch, planned, write_events
from catalog.label_events import UNDECIDED, Event, lock_images, standings
from catalog.label_gate import keep_labels
from catalog.label_keys import check_key
from catalog.label_merges import merged_into
from catalog.ledger import Ledger, clock

KIND = "review"


@dataclass(frozen=True)
class LabelImages:
    """The images that are a label, the last decided first: ids (n,), and which (n,) were looked at in a review.

    `label_id` is the label that the one asked for has been merged into, if it was.
    """

    label_id: int
    ids: npt.NDArray[np.int64]
    reviewed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ReviewResult:
    """What became of a page: images that stay, that are the label no more, and that somebody has decided otherwise."""

    batch_id: int
    kept: int
    removed: int
    passed_over: int
    repeated: bool


def newest_event(ledger: Ledger) -> int:
    """The id of the last decision about any label, 0 before the first: while it stays, so does every label."""
    with ledger.read() as connection:
        return int(connection.execute(select(func.max(tables.label_event.c.id))).scalar_one_or_none() or 0)


def images_of_label(ledger: Ledger, label_id: int) -> LabelImages:
    """The images that are there and are the label; UnknownLabel.

    Looked at are those whose last decision is a review's: one that anybody has decided anew since is not.
    """
    state, event, batch, image = tables.label_state, tables.label_event, tables.label_batch, tables.image
    with ledger.read() as connection:
        today = _today(connection, label_id)
        query = (
            select(state.c.image_id, batch.c.kind == KIND)
            .join(image, image.c.id == state.c.image_id)
            .join(event, event.c.id == state.c.event_id)
            .join(batch, batch.c.id == event.c.batch_id)
            .where(state.c.label_id == today, state.c.state == "yes", image.c.deleted_at.is_(None))
            .order_by(state.c.event_id.desc())
        )
        rows = connection.execute(query).all()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return LabelImages(today, ids, np.fromiter((row[1] for row in rows), np.bool_, len(rows)))


def record_review(
    ledger: Ledger,
    *,
    key: str,
    author: str,
    label_id: int,
    kept: Collection[int],
    removed: Collection[int],
    encoder_id: str | None = None,
    scores: Mapping[int, float] | None = None,
    request_sha256: str | None = None,
) -> ReviewResult:
    """Write what a person decided of a page as one batch: a no for the removed ones, their own yes for those kept.

    A yes is written for what is the label at this moment only: who leaves an image in does not contradict somebody who
    has taken it out meanwhile. With a key that was used before, nothing is written. Raises UnknownLabel, UnknownImage,
    InvalidKey, KeyTaken.
    """
    check_key(key)
    out = set(removed)
    looked_at = set(kept) | out
    with ledger.write() as connection:
        keep_labels(connection)
        now = clock(connection)
        batch = open_batch(
            connection,
            key=key,
            kind=KIND,
            author=author,
            at=now,
            encoder_id=encoder_id,
            request_sha256=request_sha256,
        )
        if batch is None:
            return _repeated(connection, key, asked=len(looked_at))
        lock_images(connection, looked_at)
        today = _today(connection, label_id)
        base = standings(connection, looked_at, [today])
        events = []
        for image_id in sorted(looked_at):
            before = base.get((image_id, today), UNDECIDED)
            score = (scores or {}).get(image_id)
            if image_id in out and (before.state, before.origin) != ("no", "person"):
                events.append(Event((image_id, today), "no", "person", before, score))
            elif image_id not in out and before.state == "yes":
                events.append(Event((image_id, today), "yes", "person", before, score))
        write_events(connection, batch, planned(connection, events))
        # What stays is for the index what it was before.
        note_changes(connection, [event.pair[0] for event in events if event.decision != event.before.state])
    gone = sum(event.decision == "no" for event in events)
    return ReviewResult(batch.id, len(events) - gone, gone, len(looked_at) - len(events), repeated=False)


def _today(connection: Connection, label_id: int) -> int:
    today = merged_into(connection, [label_id])[label_id]
    if connection.execute(select(tables.label.c.id).where(tables.label.c.id == today)).first() is None:
        raise UnknownLabel([label_id])
    return today


def _repeated(connection: Connection, key: str, *, asked: int) -> ReviewResult:
    head, event = tables.label_batch, tables.label_event
    batch_id = connection.execute(select(head.c.id).where(head.c.key == key)).scalar_one()
    count = select(event.c.decision, func.count()).where(event.c.batch_id == batch_id).group_by(event.c.decision)
    counts = {decision: int(number) for decision, number in connection.execute(count)}
    kept, removed = counts.get("yes", 0), counts.get("no", 0)
    return ReviewResult(batch_id, kept, removed, max(0, asked - kept - removed), repeated=True)
