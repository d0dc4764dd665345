"""Hunts: searches for all images of one label, which go on after a restart and which several people share."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from catalog import tables
from catalog.artifacts import ArtifactStore
from catalog.audit import By, note
from catalog.errors import HuntChanged, InvalidHunt, UnknownHunt, UnknownLabel
from catalog.label_merges import lineage, merged_into
from catalog.ledger import Ledger, clock
from catalog.plain_text import plain_text

LONGEST_NAME = 200  # characters
LARGEST_STATE = 64 * 1024  # bytes of JSON


@dataclass(frozen=True)
class Hunt:
    """A search for all images of a label; `state` is the page's own, and `version` grows when it is saved.

    Times are seconds since 1970. `label_id` is the label that the hunted one has been merged into, if it was.
    """

    id: str
    label_id: int
    author: str
    name: str | None
    state: Mapping[str, Any]
    version: int
    created_at: float
    updated_at: float
    finished_at: float | None


@dataclass(frozen=True)
class HuntCount:
    """A hunt, and how many of the images that it has decided are its label now, or are not; deleted ones aside."""

    hunt: Hunt
    found: int
    rejected: int


def create_hunt(
    ledger: Ledger, *, label_id: int, author: str, name: str | None = None, state: Mapping[str, Any] | None = None
) -> Hunt:
    """Begin a hunt for a label, under a random id of 22 url-safe characters; UnknownLabel, InvalidHunt."""
    table, label = tables.hunt, tables.label
    values = {"name": _valid_name(name), "state": _valid_state(state or {})}
    with ledger.write() as connection:
        wanted = merged_into(connection, [label_id])[label_id]
        if connection.execute(select(label.c.id).where(label.c.id == wanted)).first() is None:
            raise UnknownLabel([label_id])
        now = clock(connection)
        made = insert(table).values(
            id=secrets.token_urlsafe(16),
            label_id=wanted,
            author=author,
            version=1,
            created_at=now,
            updated_at=now,
            **values,
        )
        return _hunt_of(connection, connection.execute(made.returning(table)).one())


def get_hunt(ledger: Ledger, hunt_id: str) -> Hunt:
    """The hunt with this id; UnknownHunt."""
    with ledger.read() as connection:
        return load_hunt(connection, hunt_id)


def load_hunt(connection: Connection, hunt_id: str) -> Hunt:
    """`get_hunt` inside a transaction."""
    row = connection.execute(select(tables.hunt).where(tables.hunt.c.id == hunt_id)).one_or_none()
    if row is None:
        raise UnknownHunt(hunt_id)
    return _hunt_of(connection, row)


def count_hunt(ledger: Ledger, hunt_id: str) -> HuntCount:
    """The hunt with what it has found; UnknownHunt."""
    with ledger.read() as connection:
        return _counted(connection, load_hunt(connection, hunt_id))


def list_hunts(ledger: Ledger, *, limit: int, offset: int = 0) -> list[HuntCount]:
    """The hunts with what they have found: those under way first, the last used of them at the top."""
    table = tables.hunt
    query = select(table).order_by(table.c.finished_at.is_not(None), table.c.updated_at.desc(), table.c.id)
    with ledger.read() as connection:
        rows = connection.execute(query.limit(limit).offset(offset)).all()
        return [_counted(connection, _hunt_of(connection, row)) for row in rows]


def save_hunt(ledger: Ledger, hunt_id: str, *, version: int, state: Mapping[str, Any], name: str | None = None) -> Hunt:
    """Keep the page's state, and the name if one is given; UnknownHunt, InvalidHunt.

    HuntChanged unless `version` is the hunt's still: of two people who save at once, the second reads again first.
    """
    table = tables.hunt
    values: dict[str, Any] = {"state": _valid_state(state)}
    if name is not None:
        values["name"] = _valid_name(name)
    with ledger.write() as connection:
        saved = update(table).where(table.c.id == hunt_id, table.c.version == version)
        saved = saved.values(version=table.c.version + 1, updated_at=clock(connection), **values)
        row = connection.execute(saved.returning(table)).one_or_none()
        if row is None:
            raise HuntChanged(load_hunt(connection, hunt_id).version)
        return _hunt_of(connection, row)


def finish_hunt(ledger: Ledger, hunt_id: str, *, finished: bool = True) -> Hunt:
    """Mark a hunt as finished, or take it up again; its state and version stay. UnknownHunt."""
    table = tables.hunt
    with ledger.write() as connection:
        now = clock(connection)
        end = func.coalesce(table.c.finished_at, now) if finished else None
        marked = update(table).where(table.c.id == hunt_id).values(finished_at=end, updated_at=now)
        row = connection.execute(marked.returning(table)).one_or_none()
        if row is None:
            raise UnknownHunt(hunt_id)
        return _hunt_of(connection, row)


def delete_hunt(ledger: Ledger, store: ArtifactStore, hunt_id: str, *, by: By | None = None) -> None:
    """Forget a hunt, its examples and their uploaded pictures; what was decided in it stays. UnknownHunt.

    `by`: for the audit log, which has it when the hunt was another's.
    """
    table, example, label = tables.hunt, tables.hunt_example, tables.label
    with ledger.write() as connection:
        kept = select(table.c.author, table.c.label_id).where(table.c.id == hunt_id).with_for_update()
        if (row := connection.execute(kept).first()) is None:
            raise UnknownHunt(hunt_id)
        gone = delete(example).where(example.c.hunt_id == hunt_id).returning(example.c.picture)
        pictures = [key for key in connection.execute(gone).scalars() if key is not None]
        connection.execute(delete(table).where(table.c.id == hunt_id))
        if by is not None and by.name != row.author:
            name = connection.execute(select(label.c.name).where(label.c.id == row.label_id)).scalar_one()
            note(connection, by, "another's hunt deleted", f"hunt for {name} of {row.author}")
    # Only now: a file that stays behind is an orphan, which `ruiji doctor` finds; a row without its file is a loss.
    for key in pictures:
        store.delete(key)


def _counted(connection: Connection, hunt: Hunt) -> HuntCount:
    """Counts images that an event of the hunt is about, by what they are now: an undo takes its images out."""
    event, state, image = tables.label_event, tables.label_state, tables.image
    touched = (
        select(event.c.image_id)
        .where(event.c.hunt == hunt.id, event.c.label_id.in_(lineage(connection, hunt.label_id)))
        .distinct()
        .subquery()
    )
    here = and_(state.c.image_id == touched.c.image_id, state.c.label_id == hunt.label_id)
    query = (
        select(state.c.state, func.count())
        .select_from(touched.join(state, here).join(image, image.c.id == touched.c.image_id))
        .where(image.c.deleted_at.is_(None))
        .group_by(state.c.state)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    return HuntCount(hunt, found=counts.get("yes", 0), rejected=counts.get("no", 0))


def _hunt_of(connection: Connection, row: Row[Any]) -> Hunt:
    return Hunt(
        row.id,
        merged_into(connection, [row.label_id])[row.label_id],
        row.author,
        row.name,
        row.state,
        row.version,
        row.created_at,
        row.updated_at,
        row.finished_at,
    )


def _valid_name(name: str | None) -> str | None:
    found = plain_text(name or "").strip()
    if len(found) > LONGEST_NAME:
        raise InvalidHunt(f"A hunt's name has {LONGEST_NAME} characters at most, not {len(found)}.")
    return found or None


def _valid_state(state: Mapping[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(dict(state), allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidHunt(f"A hunt's state must be plain JSON: {error}.") from error
    if size > LARGEST_STATE:
        raise InvalidHunt(f"A hunt's state takes {LARGEST_STATE // 1024} KB at most, not {size // 1024}.")
    return dict(state)
