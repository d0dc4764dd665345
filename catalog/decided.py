"""What has been decided about a label, as the examples that the next page is ranked by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select, union_all

from catalog import tables
from catalog.label_events import Origin, State, rivals_of
from catalog.label_merges import merged_into
from catalog.ledger import Ledger
from catalog.statements import slices

PARTS_AT_ONCE = 100  # SQLite takes 500 parts of a union
_PERSON: tuple[Origin, ...] = ("person",)
_OTHERS: tuple[Origin, ...] = ("folder", "import")


@dataclass(frozen=True)
class DecidedImages:
    """Ids of images that are there, the last decided first: by persons, and by the names of folders and imports."""

    person: tuple[int, ...]
    folder: tuple[int, ...]


@dataclass(frozen=True)
class Decided:
    """`positives` are the label; `negatives` are not, or are another label of its exclusive group."""

    positives: DecidedImages
    negatives: DecidedImages


def decided(ledger: Ledger, label_id: int, *, limit: int) -> Decided:
    """The label's latest decisions, `limit` at most in each of the four lists; UnknownLabel.

    Reads rows of an index, newest first, no more of them than the limit for the label and for each of its rivals.
    """
    with ledger.read() as connection:
        today = merged_into(connection, [label_id])[label_id]
        rivals = rivals_of(connection, [today])[today]
        yes: list[tuple[int, State]] = [(today, "yes")]
        no: list[tuple[int, State]] = [(today, "no"), *((rival, "yes") for rival in rivals)]

        def both(said: list[tuple[int, State]]) -> DecidedImages:
            return DecidedImages(_latest(connection, said, _PERSON, limit), _latest(connection, said, _OTHERS, limit))

        return Decided(both(yes), both(no))


def _latest(
    connection: Connection, said: Iterable[tuple[int, State]], origins: Iterable[Origin], limit: int
) -> tuple[int, ...]:
    image, state = tables.image, tables.label_state
    parts = [
        select(state.c.event_id, state.c.image_id)
        .join(image, image.c.id == state.c.image_id)
        .where(state.c.label_id == label_id, state.c.state == decision, state.c.origin == origin)
        .where(image.c.deleted_at.is_(None))
        .order_by(state.c.event_id.desc())
        .limit(limit)
        .subquery()
        for label_id, decision in said
        for origin in origins
    ]
    found: list[tuple[int, int]] = []
    for some in slices(parts, PARTS_AT_ONCE):
        rows = connection.execute(union_all(*(select(one) for one in some)))
        found += [(event_id, image_id) for event_id, image_id in rows]
    # An image that was said not to be this label, and to be a rival of it, is one negative.
    return tuple(dict.fromkeys(image_id for _, image_id in sorted(found, reverse=True)))[:limit]
