"""Results of a search: images that are there, each with its labels, its size and one of its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, select

from catalog.images import LIVE_PLACE, PlaceOf
from catalog.labels import LabelState, states
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter, conditions
from catalog.statements import any_of
from catalog.tables import image, place, source


@dataclass(frozen=True)
class Hit:
    """A result; `place` is one of its files (None while its last one is gone), `score` the cosine to the query."""

    image_id: int
    score: float
    own_copy: bool
    labels: tuple[LabelState, ...]
    place: PlaceOf | None
    width: int
    height: int


def allowed_images(
    ledger: Ledger, image_ids: list[int], wanted: SearchFilter, *, described: int
) -> tuple[list[int], dict[int, Described]]:
    """The ids of images that are there and meet the conditions, in the order given, and the first of them described."""
    if not image_ids:
        return [], {}
    with ledger.read() as connection:
        if len(image_ids) > described:
            query = conditions(select(image.c.id), wanted).where(image.c.id.in_(any_of(connection, image_ids)))
            there = set(connection.scalars(query))
            image_ids = [image_id for image_id in image_ids if image_id in there]
            details = _DETAILS.where(image.c.id.in_(any_of(connection, image_ids[:described])))
        else:
            details = conditions(_DETAILS, wanted).where(image.c.id.in_(any_of(connection, image_ids)))
        rows = {row[0]: Described(*row[1:]) for row in connection.execute(details)}
    if len(image_ids) <= described:
        image_ids = [image_id for image_id in image_ids if image_id in rows]
    return image_ids, rows


def hits_of(
    ledger: Ledger, scored: list[tuple[int, float]], rows: dict[int, Described], query_sha256: str | None
) -> list[Hit]:
    labels = states(ledger, [image_id for image_id, _ in scored]) if scored else {}
    return [
        Hit(
            image_id=image_id,
            score=score,
            own_copy=row.sha256 == query_sha256,
            labels=tuple(labels.get(image_id, ())),
            place=None if row.path is None else PlaceOf(row.source_id, row.source_name, row.root, row.path),
            width=row.width,
            height=row.height,
        )
        for image_id, score in scored
        if (row := rows.get(image_id)) is not None  # deleted between two questions
    ]


class Described(NamedTuple):
    """An image and the first of its places."""

    sha256: str
    width: int
    height: int
    path: bytes | None
    source_id: int
    source_name: str
    root: bytes


_DETAILS = (
    select(
        image.c.id,
        image.c.sha256,
        image.c.width,
        image.c.height,
        place.c.path,
        source.c.id,
        source.c.name,
        source.c.root,
    )
    .outerjoin(
        place,
        place.c.id
        == select(func.min(place.c.id).label("first"))
        .where(place.c.image_id == image.c.id, place.c.state.in_(LIVE_PLACE))
        .correlate(image)
        .scalar_subquery(),
    )
    .outerjoin(source, source.c.id == place.c.source_id)
)


def describe_images(ledger: Ledger, scored: list[tuple[int, float]], wanted: SearchFilter) -> list[Hit]:
    """Those of the images that meet the conditions, as results with the scores given, in the order given."""
    ids, rows = allowed_images(ledger, [image_id for image_id, _ in scored], wanted, described=len(scored))
    scores = dict(scored)
    return hits_of(ledger, [(image_id, scores[image_id]) for image_id in ids], rows, None)
