"""Images found again by what another program's file says of them: id, hash or path."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from catalog import tables
from catalog.images import LIVE_PLACE
from catalog.ledger import Ledger
from catalog.statements import any_of, any_of_text, slices
from catalog.storage.address import is_object

PATHS_AT_ONCE = 500


def images_there(ledger: Ledger, ids: Collection[int]) -> set[int]:
    """Those of the ids that are images and not deleted."""
    image = tables.image
    with ledger.read() as connection:
        query = select(image.c.id).where(image.c.id.in_(any_of(connection, ids)), image.c.deleted_at.is_(None))
        return set(connection.execute(query).scalars())


def images_by_sha256(ledger: Ledger, hashes: Collection[str]) -> dict[str, int]:
    """Hash of a file's bytes -> image, for those that are there."""
    image = tables.image
    with ledger.read() as connection:
        query = select(image.c.sha256, image.c.id).where(
            image.c.sha256.in_(any_of_text(connection, hashes)), image.c.deleted_at.is_(None)
        )
        return {row.sha256: row.id for row in connection.execute(query)}


def images_by_path(ledger: Ledger, paths: Collection[bytes]) -> dict[bytes, int]:
    """Path -> image, for those that are there; a relative path may lie below any source."""
    source, place, image = tables.source, tables.place, tables.image
    found: dict[bytes, int] = {}
    with ledger.read() as connection:
        roots = connection.execute(select(source.c.id, source.c.root).where(source.c.deleted_at.is_(None))).all()
        for source_id, root in roots:
            below = bytes(root).rstrip(b"/") + b"/"
            inside = {path.removeprefix(below): path for path in paths if path.startswith(below) or not _whole(path)}
            for some in slices(list(inside), PATHS_AT_ONCE):
                query = (
                    select(place.c.path, place.c.image_id)
                    .join(image, image.c.id == place.c.image_id)
                    .where(place.c.source_id == source_id, place.c.path.in_(some), place.c.state.in_(LIVE_PLACE))
                    .where(image.c.deleted_at.is_(None))
                )
                for path, image_id in connection.execute(query):
                    found.setdefault(inside[bytes(path)], image_id)
    return found


def _whole(path: bytes) -> bool:
    return path.startswith(b"/") or is_object(path)
