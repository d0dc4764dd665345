"""The examples of a hunt: images of the catalog and uploaded pictures, for it or against it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from sqlalchemy import Connection, delete, func, select, update

from catalog import tables
from catalog.artifacts import ArtifactStore
from catalog.errors import InvalidHunt, UnknownHunt, UnknownImage
from catalog.ledger import Ledger, clock
from catalog.statements import insert_or

Sign = Literal[1, -1]
MOST_EXAMPLES = 1000


@dataclass(frozen=True)
class Example:
    """One example, `sign` 1 for and -1 against: an image, or an upload with its hash and the key of its bytes.

    `there` is False for an image that was deleted since.
    """

    id: int
    sign: Sign
    image_id: int | None
    sha256: str | None
    picture: str | None
    author: str
    at: float
    there: bool

    @property
    def kind(self) -> Literal["image", "upload"]:
        """What it is."""
        return "upload" if self.image_id is None else "image"


def add_image(ledger: Ledger, hunt_id: str, image_id: int, *, sign: Sign, author: str) -> Example:
    """Add an image to the examples, or change its sign; UnknownHunt, UnknownImage, InvalidHunt."""
    image = tables.image
    with ledger.write() as connection:
        _hold(connection, hunt_id)
        there = select(image.c.id).where(image.c.id == image_id, image.c.deleted_at.is_(None))
        if connection.execute(there).first() is None:
            raise UnknownImage([image_id])
        return _put(connection, hunt_id, sign=sign, author=author, image_id=image_id)


def add_upload(ledger: Ledger, store: ArtifactStore, hunt_id: str, *, data: bytes, sign: Sign, author: str) -> Example:
    """Add a picture to the examples and keep its bytes for the life of the hunt, or change its sign.

    Raises UnknownHunt, InvalidHunt, ArtifactError.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    example = tables.hunt_example
    known = update(example).where(example.c.hunt_id == hunt_id, example.c.sha256 == sha256)
    with ledger.write() as connection:
        _hold(connection, hunt_id)
        changed = known.values(sign=sign, author=author).returning(example.c.id)
        if (found := connection.execute(changed).scalar_one_or_none()) is not None:
            return _example(connection, hunt_id, found)
    # A name of its own: whoever takes the same picture out of the hunt at this moment deletes another file.
    picture = f"hunts/{sha256}-{uuid4().hex}"
    store.put(picture, data)
    made = None
    try:
        with ledger.write() as connection:
            _hold(connection, hunt_id)
            made = _put(connection, hunt_id, sign=sign, author=author, sha256=sha256, picture=picture)
    finally:
        if made is None or made.picture != picture:
            store.delete(picture)
    return made


def remove_example(ledger: Ledger, store: ArtifactStore, hunt_id: str, example_id: int) -> bool:
    """Take an example out, an upload with its bytes; False if there was none. UnknownHunt."""
    example = tables.hunt_example
    with ledger.write() as connection:
        _hold(connection, hunt_id)
        mine = delete(example).where(example.c.id == example_id, example.c.hunt_id == hunt_id)
        gone = connection.execute(mine.returning(example.c.picture)).one_or_none()
    if gone is not None and gone.picture is not None:
        store.delete(gone.picture)
    return gone is not None


def list_examples(ledger: Ledger, hunt_id: str) -> list[Example]:
    """The examples of a hunt, oldest first; none if there is no such hunt."""
    with ledger.read() as connection:
        return _examples(connection, hunt_id)


def _examples(connection: Connection, hunt_id: str) -> list[Example]:
    example, image = tables.hunt_example, tables.image
    query = (
        select(example, image.c.deleted_at)
        .outerjoin(image, image.c.id == example.c.image_id)
        .where(example.c.hunt_id == hunt_id)
        .order_by(example.c.id)
    )
    return [
        Example(row.id, row.sign, row.image_id, row.sha256, row.picture, row.author, row.at, row.deleted_at is None)
        for row in connection.execute(query)
    ]


def _hold(connection: Connection, hunt_id: str) -> None:
    """Keep the hunt from being deleted until the transaction ends, and note that it is in use."""
    table = tables.hunt
    used = update(table).where(table.c.id == hunt_id).values(updated_at=clock(connection))
    if not connection.execute(used).rowcount:
        raise UnknownHunt(hunt_id)


def _put(
    connection: Connection,
    hunt_id: str,
    *,
    sign: Sign,
    author: str,
    image_id: int | None = None,
    sha256: str | None = None,
    picture: str | None = None,
) -> Example:
    example = tables.hunt_example
    key = {"image_id": image_id} if sha256 is None else {"sha256": sha256, "picture": picture}
    column = "image_id" if sha256 is None else "sha256"
    statement = insert_or(connection, example).values(
        hunt_id=hunt_id, sign=sign, kind="image" if sha256 is None else "upload", author=author, at=clock(connection),
        **key,
    )  # fmt: skip
    changed = {"sign": sign, "author": author}
    put = statement.on_conflict_do_update(index_elements=["hunt_id", column], set_=changed).returning(example.c.id)
    made = connection.execute(put).scalar_one()
    number = select(func.count()).where(example.c.hunt_id == hunt_id)
    if connection.execute(number).scalar_one() > MOST_EXAMPLES:
        raise InvalidHunt(f"A hunt has {MOST_EXAMPLES} examples at most: take some out first.")
    return _example(connection, hunt_id, made)


def _example(connection: Connection, hunt_id: str, example_id: int) -> Example:
    return next(one for one in _examples(connection, hunt_id) if one.id == example_id)
