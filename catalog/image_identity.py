"""Which image a file shows: by its bytes, or else by its pixels where another file of the same picture has gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, select, text, update

from catalog import tables
from catalog.images import LIVE_PLACE
from catalog.kept_statements import rows_from
from catalog.many_rows import insert_many, new_numbers
from catalog.statements import any_of, built_once, given, given_texts, packed

_LOCK = 0x69_6D_61_67_65  # "image"


@dataclass(frozen=True)
class DecodedFile:
    """A file that was read and decoded; sizes in pixels and bytes, times in ns.

    `thumbnail_length` 0 means that no thumbnail was made: the image has one, or none is wanted.
    """

    place_id: int
    sha256: str
    pixel_hash: str
    width: int
    height: int
    bytes: int
    format: str
    mtime_ns: int
    size: int
    thumbnail_offset: int
    thumbnail_length: int


def identify(connection: Connection, files: Sequence[DecodedFile], *, now: float) -> dict[str, int]:
    """sha256 -> image id for every file; images that are new are written as deleted, until a commit shows them."""
    if connection.dialect.name == "postgresql":
        # Two workers with the same new bytes must agree; SQLite has one writer anyway.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    by_hash = {file.sha256: file for file in files}
    ids = _by_sha256(connection, by_hash)
    unknown = [file for sha256, file in by_hash.items() if sha256 not in ids]
    if not unknown:
        return ids
    kept = _kept(connection, [file for file in files if file.sha256 not in ids])
    if kept:
        _join(connection, files, [file for file in unknown if file.sha256 in kept], kept, found=set(ids.values()))
    new = [file for file in unknown if file.sha256 not in kept]
    return ids | kept | _write_new(connection, new, now=now)


def _join(
    connection: Connection,
    files: Sequence[DecodedFile],
    joining: Sequence[DecodedFile],
    kept: Mapping[str, int],
    *,
    found: set[int],
) -> None:
    """Give each image of `kept` the bytes of the first file that joins it, unless its own are still to be seen."""
    image = tables.image
    # All at once and by id, as every other transaction locks images; and as firmly as a change of the hash needs.
    locked = select(image.c.id).where(image.c.id.in_(any_of(connection, kept.values()))).order_by(image.c.id)
    connection.execute(locked.with_for_update()).all()
    fixed = _still_shown(connection, files, kept.values()) | found
    for file in joining:
        image_id = kept[file.sha256]
        if image_id in fixed:
            continue  # the file joins the image by its pixels; a copy that did not change is found by the bytes it has
        fixed.add(image_id)
        connection.execute(
            update(image)
            .where(image.c.id == image_id)
            .values(sha256=file.sha256, bytes=file.bytes, format=file.format, width=file.width, height=file.height)
        )


def _write_new(connection: Connection, files: Sequence[DecodedFile], *, now: float) -> dict[str, int]:
    """sha256 -> the id of the row that is written for it."""
    if not files:
        return {}
    numbers = new_numbers(connection, tables.image, len(files))
    insert_many(
        connection,
        tables.image,
        ("id", "sha256", "pixel_hash", "width", "height", "bytes", "format", "created_at", "deleted_at"),
        [
            (number, file.sha256, file.pixel_hash, file.width, file.height, file.bytes, file.format, now, now)
            for number, file in zip(numbers, files, strict=True)
        ],
    )
    return {file.sha256: number for number, file in zip(numbers, files, strict=True)}


def _by_sha256(connection: Connection, hashes: Iterable[str]) -> dict[str, int]:
    rows = rows_from(connection, _with_sha256(connection), {"given": packed(connection, hashes)})
    return {row[0]: row[1] for row in rows}


@built_once
def _with_sha256(connection: Connection) -> Select[Any]:
    image = tables.image
    return select(image.c.sha256, image.c.id).where(image.c.sha256.in_(given_texts(connection)))


def _kept(connection: Connection, files: Sequence[DecodedFile]) -> dict[str, int]:
    """sha256 -> the image that a file with these new bytes shows all the same."""
    former = _former(connection, files)
    kept = {file.sha256: former[file.place_id] for file in files if file.place_id in former}
    homeless = _homeless(connection, {file.pixel_hash for file in files})
    for file in files:
        if file.sha256 not in kept and (image_id := homeless.pop(file.pixel_hash, None)) is not None:
            kept[file.sha256] = image_id
    return kept


def _still_shown(connection: Connection, files: Sequence[DecodedFile], image_ids: Iterable[int]) -> set[int]:
    """Those of the images that a file shows which nobody has changed."""
    place = tables.place
    query = select(place.c.image_id).where(
        place.c.image_id.in_(any_of(connection, image_ids)),
        place.c.state == "known",
        place.c.id.not_in(any_of(connection, [file.place_id for file in files])),
    )
    return set(connection.execute(query).scalars())


def _former(connection: Connection, files: Sequence[DecodedFile]) -> dict[int, int]:
    """Place -> the image that it had, where the file has other bytes now but the same pixels."""
    pixels = {file.place_id: file.pixel_hash for file in files}
    rows = rows_from(connection, _of_places(connection), {"given": packed(connection, pixels)})
    return {place_id: image_id for place_id, image_id, pixel_hash in rows if pixel_hash == pixels[place_id]}


@built_once
def _of_places(connection: Connection) -> Select[Any]:
    place, image = tables.place, tables.image
    columns = (place.c.id, image.c.id, image.c.pixel_hash)
    return select(*columns).join(image, image.c.id == place.c.image_id).where(place.c.id.in_(given(connection)))


def _homeless(connection: Connection, pixel_hashes: Iterable[str]) -> dict[str, int]:
    """Pixel hash -> an image with these pixels that had places, all of which are gone; one with labels if there is."""
    rows = rows_from(connection, _without_place(connection), {"given": packed(connection, pixel_hashes)})
    return {row[0]: row[1] for row in rows}


@built_once
def _without_place(connection: Connection) -> Select[Any]:
    place, image, state = tables.place, tables.image, tables.label_state
    labelled = case((exists().where(state.c.image_id == image.c.id), 1), else_=0)
    alive = func.sum(case((place.c.state.in_(LIVE_PLACE), 1), else_=0))
    return (
        select(image.c.pixel_hash, image.c.id)
        .join(place, place.c.image_id == image.c.id)
        .where(image.c.pixel_hash.in_(given_texts(connection)))
        .group_by(image.c.pixel_hash, image.c.id)
        .having(alive == 0)
        .order_by(labelled, image.c.id.desc())
    )
