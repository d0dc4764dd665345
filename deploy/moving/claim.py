"""Marks a target as being filled by one source, so that a move is taken up again and never mixed with another's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, update

from catalog import tables
from catalog.encoders import list_encoders
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from deploy.moving.target import MoveRefused

State = Literal["filling", "copied", "moved"]

# There only while a move is under way; no table of the ledger's.
_mark = Table(
    "ruiji_move",
    MetaData(),
    Column("source", String(64), primary_key=True),
    Column("state", String(8), nullable=False),
)


@dataclass(frozen=True)
class Claim:
    """The target is this source's. `filling`: its vectors come first, and its ledger has nothing yet; `copied`: the
    ledger is there, to be compared; `moved`: an earlier run has come to its end."""

    source: str
    state: State


def claim(source: Ledger, target: Ledger, index: VectorIndex) -> Claim:
    """Take an empty target, or one that this source began to fill. Raises MoveRefused for any other."""
    identity = identity_of(source)
    with target.write() as connection:
        found = _found(connection)
        rows = _filled(connection)
        if found is not None and found.source != identity:
            raise MoveRefused(f"{target} is being filled from another ledger: end that move, or give another database.")
        if found is not None and found.state == "filling" and rows:
            raise MoveRefused(
                f"{target} was begun by this move, and holds rows of {', '.join(rows[:3])} that are not from it:"
                " Ruiji was started there too early. Empty that database, then move again."
            )
        if found is not None:
            return found
        if rows:
            if _same_first_encoder(connection, source):
                return Claim(identity, "moved")
            raise MoveRefused(f"{target} holds a ledger already: give an empty database. Nothing was changed.")
        collections = {encoder.collection for encoder in list_encoders(source)} & set(index.collections())
        if taken := sorted(name for name in collections if index.count(name)):
            raise MoveRefused(
                f"{index.url} holds {index.count(taken[0]):,} vectors as {taken[0]}, and not from this move:"
                " drop that collection, or give another Milvus. Nothing was changed."
            )
        _mark.create(connection)
        connection.execute(insert(_mark).values(source=identity, state="filling"))
    return Claim(identity, "filling")


def note_copied(connection: Connection) -> None:
    """The ledger is there once this transaction ends."""
    connection.execute(update(_mark).values(state="copied"))


def release(target: Ledger) -> None:
    """The move is over: the target is a ledger like any other."""
    with target.write() as connection:
        _mark.drop(connection, checkfirst=True)


def identity_of(source: Ledger) -> str:
    """What tells a ledger from every other, however it grows: its first encoder and the moment it was registered."""
    with source.read() as connection:
        row = _first_encoder(connection)
    if row is None:
        raise MoveRefused(f"{source} has nothing to move yet; start it once with: ruiji up")
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()


def _first_encoder(connection: Connection) -> tuple[str, float] | None:
    encoder = tables.encoder
    query = select(encoder.c.id, encoder.c.created_at).order_by(encoder.c.created_at, encoder.c.id).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else (str(row.id), float(row.created_at))


def _same_first_encoder(connection: Connection, source: Ledger) -> bool:
    with source.read() as other:
        return _first_encoder(connection) == _first_encoder(other)


def _found(connection: Connection) -> Claim | None:
    if not inspect(connection).has_table(_mark.name):
        return None
    row = connection.execute(select(_mark)).one_or_none()
    if row is None:
        _mark.drop(connection)
        return None
    return Claim(row.source, row.state)


def _filled(connection: Connection) -> list[str]:
    """The ledger's tables that have a row."""
    return [
        table.name
        for table in tables.metadata.sorted_tables
        if connection.execute(select(1).select_from(table).limit(1)).first() is not None
    ]
