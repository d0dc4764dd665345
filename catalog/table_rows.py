"""Rows of the ledger's tables as they are, the same from either database: read in order, written, and as lines."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
    collate,
    column,
    insert,
    select,
    table,
)
from sqlalchemy.types import TypeEngine

Kind = Literal["integer", "number", "text", "boolean", "bytes", "json"]
Value: TypeAlias = int | float | str | bytes | bool | None
Row: TypeAlias = tuple[Value, ...]

LARGEST = 2**63 - 1  # integer of either database
AT_ONCE = 1000  # rows of one fetch or insert: what a copy of any ledger holds in memory
# JSON travels as the text that it is kept as: nothing is parsed, so nothing is written differently.
_SQL: dict[Kind, TypeEngine[Any]] = {
    "integer": BigInteger(),
    "number": Float(),
    "text": Text(),
    "boolean": Boolean(),
    "bytes": LargeBinary(),
    "json": Text(),
}
_PYTHON: dict[Kind, type] = {
    "integer": int,
    "number": float,
    "text": str,
    "boolean": bool,
    "bytes": bytes,
    "json": str,
}


@dataclass(frozen=True)
class Layout:
    """A table's name, and its columns in order with what each holds."""

    name: str
    columns: tuple[tuple[str, Kind], ...]


class Tally:
    """Counts rows and hashes their lines as they pass."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """Take one row's line."""
        self.rows += 1
        self._hash.update(line)

    @property
    def sha256(self) -> str:
        """The hash of all lines so far."""
        return self._hash.hexdigest()


def layout_of(of: Table) -> Layout:
    """What a table of the ledger looks like."""
    return Layout(of.name, tuple((one.name, _kind(one)) for one in of.columns))


def read_rows(connection: Connection, of: Table) -> Iterator[Row]:
    """Every row in the order of the primary key, a thousand in memory at a time."""
    columns = [cast(one, Text) if _kind(one) == "json" else one for one in of.columns]
    query = select(*columns).order_by(*(_in_order(connection, one) for one in of.primary_key.columns))
    for row in connection.execute(query, execution_options={"yield_per": AT_ONCE}):
        yield tuple(row)


def insert_rows(connection: Connection, layout: Layout, rows: Iterable[Row]) -> None:
    """Write rows with the ids that they have. The columns are the layout's: a table of any revision will do."""
    names = [f"v{at}" for at in range(len(layout.columns))]
    values: dict[str, ColumnElement[Any]] = {}
    for name, (called, kind) in zip(names, layout.columns, strict=True):
        value = bindparam(name, type_=_SQL[kind])
        as_json = kind == "json" and connection.dialect.name == "postgresql"
        values[called] = cast(value, JSON) if as_json else value
    statement = insert(table(layout.name, *(column(called) for called, _ in layout.columns))).values(values)
    waiting = iter(rows)
    while batch := [dict(zip(names, row, strict=True)) for row in itertools.islice(waiting, AT_ONCE)]:
        connection.execute(statement, batch)


def line_of(layout: Layout, row: Row) -> bytes:
    """A row as one line of JSON: an array in the order of the columns, bytes as base64."""
    shown = [_shown(value, kind) for value, (_, kind) in zip(row, layout.columns, strict=True)]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def row_of(layout: Layout, line: bytes) -> Row:
    """The row of a line; ValueError when it is not one of this layout."""
    found = json.loads(line)
    if not isinstance(found, list) or len(found) != len(layout.columns):
        raise ValueError(f"a row of {layout.name} needs {len(layout.columns)} values")
    return tuple(_value(value, kind) for value, (_, kind) in zip(found, layout.columns, strict=True))


def counted(layout: Layout, rows: Iterable[Row], tally: Tally) -> Iterator[Row]:
    """The same rows, each noted as it passes."""
    for row in rows:
        tally.add(line_of(layout, row))
        yield row


def tally_of(connection: Connection, of: Table) -> Tally:
    """Number and hash of all rows: equal in two ledgers when the tables are equal, row for row."""
    tally = Tally()
    layout = layout_of(of)
    for row in read_rows(connection, of):
        tally.add(line_of(layout, row))
    return tally


def _shown(value: Value, kind: Kind) -> int | float | str | bool | None:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    # SQLite keeps no sign of a zero.
    return 0.0 if kind == "number" and value == 0 else value


def _value(value: Any, kind: Kind) -> Value:
    if value is None:
        return None
    if kind == "bytes" and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if isinstance(value, str):
        value.encode()  # JSON can write half a character, which no database takes: UnicodeEncodeError is a ValueError
    if type(value) is int and not -LARGEST - 1 <= value <= LARGEST:
        raise ValueError(f"an integer of {value.bit_length()} bits is more than a database holds")
    if isinstance(value, int | float | str) and type(value) is _PYTHON[kind]:
        return value
    raise ValueError(f"{str(value)[:40]!r} is no {kind}")


def _kind(of: Column[Any]) -> Kind:
    kinds: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
        (JSON, "json"),
        (LargeBinary, "bytes"),
        (Boolean, "boolean"),
        (Integer, "integer"),
        (Float, "number"),
    )
    return next((kind for sql, kind in kinds if isinstance(of.type, sql)), "text")


def _in_order(connection: Connection, of: Column[Any]) -> ColumnElement[Any]:
    """PostgreSQL sorts text by its database's language; SQLite, and so everybody here, by its bytes."""
    return collate(of, "C") if _kind(of) == "text" and connection.dialect.name == "postgresql" else of
