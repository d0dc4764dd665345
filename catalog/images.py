"""Images, where their files are, and what is left when they are deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.ledger import Ledger, clock
from catalog.statements import any_of

# A changed file keeps the image it had until it has been read again.
LIVE_PLACE = ("known", "new")


@dataclass(frozen=True)
class Thumbnail:
    """Where an image's thumbnail lies in its pack."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True)
class Image:
    """A picture, wherever its files are; width and height in pixels, `bytes` the size of its file."""

    id: int
    sha256: str
    width: int
    height: int
    bytes: int
    format: str
    thumbnail: Thumbnail | None
    deleted: bool


@dataclass(frozen=True)
class PlaceOf:
    """A file of an image; `path` is relative to `root`."""

    source_id: int
    source_name: str
    root: bytes
    path: bytes


@dataclass(frozen=True)
class Counts:
    """Images that are there, those without and with a confirmed label, and files that could not be read."""

    images: int
    unlabelled: int
    labelled: int
    bad: int


def get_images(ledger: Ledger, ids: Iterable[int]) -> dict[int, Image]:
    """The images that exist among `ids`, deleted ones too."""
    with ledger.read() as connection:
        query = select(tables.image).where(tables.image.c.id.in_(any_of(connection, ids)))
        return {row.id: _image_of(row) for row in connection.execute(query)}


def image_by_sha256(ledger: Ledger, sha256: str) -> Image | None:
    """The image whose file has this hash."""
    with ledger.read() as connection:
        row = connection.execute(select(tables.image).where(tables.image.c.sha256 == sha256)).one_or_none()
        return None if row is None else _image_of(row)


def places_of(ledger: Ledger, image_id: int) -> list[PlaceOf]:
    """The files of an image that are there, oldest first."""
    return places_of_images(ledger, [image_id]).get(image_id, [])


def places_of_images(ledger: Ledger, image_ids: Iterable[int]) -> dict[int, list[PlaceOf]]:
    """`places_of` for many images; an image without a place has no entry."""
    place, source = tables.place, tables.source
    found: dict[int, list[PlaceOf]] = {}
    with ledger.read() as connection:
        query = (
            select(place.c.image_id, source.c.id, source.c.name, source.c.root, place.c.path)
            .join(source, source.c.id == place.c.source_id)
            .where(place.c.image_id.in_(any_of(connection, image_ids)), place.c.state.in_(LIVE_PLACE))
            .order_by(place.c.id)
        )
        for image_id, source_id, name, root, path in connection.execute(query):
            found.setdefault(image_id, []).append(PlaceOf(source_id, name, bytes(root), bytes(path)))
    return found


def delete_images(ledger: Ledger, ids: Iterable[int], *, by: By | None = None) -> int:
    """Delete images: they are found no more, and the ledger forgets their vectors and places; label events stay.

    The bytes of a vector stay in its immutable shard, and those of a thumbnail in its pack until no image names it.
    Returns how many there were to delete. A file that is still in its folder comes back with the next ingest.
    `by`: for the audit log.
    """
    place = tables.place
    with ledger.write() as connection:
        there = lock_there(connection, ids)
        connection.execute(update(place).where(place.c.image_id.in_(any_of(connection, there))).values(state="gone"))
        forget_images(connection, there, now=clock(connection))
        if by is not None and there:
            note(connection, by, "image deleted", ", ".join(f"image {one}" for one in there))
    return len(there)


def count_images(ledger: Ledger) -> Counts:
    """The four numbers of the front page; 'labelled' means that some label is a yes."""
    image, place, state = tables.image, tables.place, tables.label_state
    # Counted from narrow indexes only, and corrected by the few deleted images: 100,000 take some milliseconds.
    deleted = select(image.c.id).where(image.c.deleted_at.is_not(None)).subquery()
    labelled = select(state.c.image_id).where(state.c.state == "yes").distinct().subquery()
    bad = select(func.count()).where(place.c.source_id.in_(select(tables.source.c.id)), place.c.state == "bad")
    with ledger.read() as connection:

        def number(query: Any) -> int:
            return int(connection.execute(query).scalar_one())

        images = number(select(func.count()).select_from(image)) - number(select(func.count()).select_from(deleted))
        with_label = number(select(func.count()).select_from(labelled)) - number(
            select(func.count())
            .select_from(deleted)
            .where(exists().where(and_(state.c.image_id == deleted.c.id, state.c.state == "yes")))
        )
        return Counts(images, images - with_label, with_label, number(bad))


def lock_there(connection: Connection, ids: Iterable[int]) -> list[int]:
    """Those of the images that are not deleted, their rows locked until the transaction ends."""
    image = tables.image
    query = select(image.c.id).where(image.c.id.in_(any_of(connection, ids)), image.c.deleted_at.is_(None))
    return list(connection.execute(query.order_by(image.c.id).with_for_update(key_share=True)).scalars())


def note_changes(connection: Connection, image_ids: Iterable[int]) -> None:
    """Tell the index worker that its copy of these images' labels, sources or existence is out of date."""
    if ids := sorted(set(image_ids)):
        connection.execute(insert(tables.index_change).from_select(["image_id"], any_of(connection, ids)))


def forget_images(connection: Connection, image_ids: Iterable[int], *, now: float) -> None:
    """Mark images as deleted for good: their vectors and thumbnails are made anew if they ever come back."""
    ids = list(image_ids)
    embedding, image = tables.embedding, tables.image
    connection.execute(delete(embedding).where(embedding.c.image_id.in_(any_of(connection, ids))))
    connection.execute(
        update(image)
        .where(image.c.id.in_(any_of(connection, ids)))
        .values(deleted_at=now, thumbnail_pack=None, thumbnail_offset=None, thumbnail_length=None)
    )
    note_changes(connection, ids)


def placeless(connection: Connection, image_ids: Iterable[int]) -> list[int]:
    """Those of the images that no file shows any more."""
    image, place = tables.image, tables.place
    shown = exists().where(place.c.image_id == image.c.id, place.c.state.in_(LIVE_PLACE))
    query = select(image.c.id).where(image.c.id.in_(any_of(connection, image_ids)), ~shown)
    return list(connection.execute(query).scalars())


def _image_of(row: Row[Any]) -> Image:
    thumbnail = None
    if row.thumbnail_pack is not None:
        thumbnail = Thumbnail(row.thumbnail_pack, row.thumbnail_offset, row.thumbnail_length)
    return Image(
        row.id, row.sha256, row.width, row.height, row.bytes, row.format, thumbnail, row.deleted_at is not None
    )
