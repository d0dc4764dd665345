"""The files that a run learns from: one of each image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import func, select

from catalog import tables
from catalog.ledger import Ledger
from catalog.statements import any_of


@dataclass(frozen=True)
class SourceFiles:
    """Files of one source; `paths` are relative to `root`, `sizes` in bytes."""

    name: str
    root: bytes
    paths: Sequence[bytes]
    sizes: Sequence[int]


def files_of_sources(ledger: Ledger, source_ids: Collection[int]) -> list[SourceFiles]:
    """Every image of these sources once, in the first place that it was found; those whose file is gone are left out.

    Sources by their id, their files by their image's.
    """
    place, image, source = tables.place, tables.image, tables.source
    with ledger.read() as connection:
        first = (
            select(func.min(place.c.id))
            .join(image, image.c.id == place.c.image_id)
            .where(
                place.c.state == "known",
                image.c.deleted_at.is_(None),
                place.c.source_id.in_(any_of(connection, source_ids)),
            )
            .group_by(place.c.image_id)
        )
        query = (
            select(source.c.name, source.c.root, place.c.path, place.c.size, place.c.source_id)
            .join(source, source.c.id == place.c.source_id)
            .where(place.c.id.in_(first))
            .order_by(place.c.source_id, place.c.image_id)
        )
        rows = connection.execute(query).all()
    found = []
    for _, group in groupby(rows, key=lambda row: row.source_id):
        files = list(group)
        paths, sizes = [bytes(row.path) for row in files], [row.size for row in files]
        found.append(SourceFiles(files[0].name, bytes(files[0].root), paths, sizes))
    return found
