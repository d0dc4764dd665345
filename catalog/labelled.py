"""Images with what was decided about them and where their files are, in pages: a million of them fill no memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from catalog import tables
from catalog.images import LIVE_PLACE
from catalog.label_events import Origin
from catalog.ledger import Ledger
from catalog.statements import any_of
from catalog.storage.address import whole_path

IMAGES_AT_ONCE = 2000


@dataclass(frozen=True)
class File:
    """A file of an image as it was when it was last read; `path` is absolute, size in bytes."""

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Said:
    """A decision that holds; `at` in seconds since 1970."""

    label: str
    yes: bool
    origin: Origin
    at: float


@dataclass(frozen=True)
class LabelledImage:
    """An image that is there, with its files, oldest first, and what was said of the labels asked for, by name."""

    id: int
    sha256: str
    width: int
    height: int
    format: str
    files: tuple[File, ...]
    said: tuple[Said, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What it is."""
        return tuple(one.label for one in self.said if one.yes)

    @property
    def rejected(self) -> tuple[str, ...]:
        """What it was said not to be."""
        return tuple(one.label for one in self.said if not one.yes)


@dataclass(frozen=True)
class Extent:
    """How many images, and decisions about them; the bytes of their files once each, and once for each label."""

    images: int
    decisions: int
    bytes: int
    bytes_by_label: int


def count_labelled(ledger: Ledger, label_ids: Collection[int], *, rejected: bool) -> int:
    """How many images `labelled_in_pages` gives."""
    with ledger.read() as connection:
        wanted = _wanted(connection, label_ids, rejected=rejected).subquery()
        return int(connection.execute(select(func.count()).select_from(wanted)).scalar_one())


def measure_labelled(ledger: Ledger, label_ids: Collection[int], *, rejected: bool) -> Extent:
    """How much `labelled_in_pages` gives."""
    state, image = tables.label_state, tables.image
    with ledger.read() as connection:
        each = (
            select(
                image.c.bytes,
                func.count().label("said"),
                func.sum(case((state.c.state == "yes", 1), else_=0)).label("yes"),
            )
            .join(image, image.c.id == state.c.image_id)
            .where(state.c.label_id.in_(any_of(connection, label_ids)), state.c.state.in_(_states(rejected)))
            .where(image.c.deleted_at.is_(None))
            .group_by(image.c.id, image.c.bytes)
            .subquery()
        )
        sums = (func.sum(each.c.said), func.sum(each.c.bytes), func.sum(each.c.bytes * each.c.yes))
        row = connection.execute(select(func.count(), *sums)).one()
    return Extent(*(int(number or 0) for number in row))


def labelled_in_pages(ledger: Ledger, label_ids: Collection[int], *, rejected: bool) -> Iterator[list[LabelledImage]]:
    """Images, by id, that are one of the labels; with `rejected`, also those that only were said not to be one.

    Every page is a moment of its own: what is decided meanwhile shows in the pages that come after.
    """
    state, last = tables.label_state, 0
    while True:
        with ledger.read() as connection:
            wanted = _wanted(connection, label_ids, rejected=rejected).where(state.c.image_id > last)
            ids = connection.execute(wanted.order_by(state.c.image_id).limit(IMAGES_AT_ONCE)).scalars().all()
            if not ids:
                return
            page = _page(connection, ids, label_ids, rejected=rejected)
        yield page
        last = ids[-1]


def _wanted(connection: Connection, label_ids: Collection[int], *, rejected: bool) -> Select[Any]:
    state, image = tables.label_state, tables.image
    return (
        select(state.c.image_id)
        .join(image, image.c.id == state.c.image_id)
        .where(state.c.label_id.in_(any_of(connection, label_ids)), state.c.state.in_(_states(rejected)))
        .where(image.c.deleted_at.is_(None))
        .distinct()
    )


def _page(
    connection: Connection, ids: Collection[int], label_ids: Collection[int], *, rejected: bool
) -> list[LabelledImage]:
    image, state, label = tables.image, tables.label_state, tables.label
    place, source = tables.place, tables.source
    decided = (
        select(state.c.image_id, label.c.name, state.c.state, state.c.origin, state.c.at)
        .join(label, label.c.id == state.c.label_id)
        .where(state.c.image_id.in_(any_of(connection, ids)), label.c.id.in_(any_of(connection, label_ids)))
        .where(state.c.state.in_(_states(rejected)))
        .order_by(label.c.name)
    )
    said: dict[int, list[Said]] = {}
    for image_id, name, value, origin, at in connection.execute(decided):
        said.setdefault(image_id, []).append(Said(name, value == "yes", origin, at))
    where = (
        select(place.c.image_id, source.c.root, place.c.path, place.c.size, place.c.mtime_ns)
        .join(source, source.c.id == place.c.source_id)
        .where(place.c.image_id.in_(any_of(connection, ids)), place.c.state.in_(LIVE_PLACE))
        .order_by(place.c.id)
    )
    files: dict[int, list[File]] = {}
    for image_id, root, path, size, mtime_ns in connection.execute(where):
        files.setdefault(image_id, []).append(File(whole_path(bytes(root), bytes(path)), size, mtime_ns))
    rows = connection.execute(select(image).where(image.c.id.in_(any_of(connection, ids))).order_by(image.c.id))
    return [
        LabelledImage(
            row.id, row.sha256, row.width, row.height, row.format,
            tuple(files.get(row.id, ())), tuple(said.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


def _states(rejected: bool) -> list[str]:
    return ["yes", "no"] if rejected else ["yes"]
