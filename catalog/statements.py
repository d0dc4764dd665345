"""What SQLite and PostgreSQL spell differently: many ids or rows in one statement, and inserts that may find a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    Text,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

T = TypeVar("T")
S = TypeVar("S", bound=Executable)

# SQLite of some distributions still allows no more than 999 parameters in a statement.
PARAMETERS = 900


def any_of(connection: Connection, values: Iterable[int]) -> Select[Any]:
    """A subquery of the ids, for `column.in_(...)`: one parameter however many they are."""
    ids = [int(value) for value in values]
    if connection.dialect.name == "sqlite":
        return select(func.json_each(json.dumps(ids)).table_valued("value").c.value)
    return select(func.unnest(bindparam(None, ids, type_=postgresql.ARRAY(BigInteger))).column_valued("value"))


def any_of_text(connection: Connection, values: Iterable[str]) -> Select[Any]:
    """`any_of` for hashes and names."""
    texts = list(values)
    if connection.dialect.name == "sqlite":
        return select(func.json_each(json.dumps(texts)).table_valued("value").c.value)
    return select(func.unnest(bindparam(None, texts, type_=postgresql.ARRAY(Text))).column_valued("value"))


def given(connection: Connection, name: str = "given") -> Select[Any]:
    """`any_of` as a part of a statement that is built once and kept: its ids come as the parameter `name`, `packed`.

    To build a statement takes SQLAlchemy 0.2 ms, to run one that was kept 0.03: what each chunk of an ingest asks for.
    """
    if connection.dialect.name == "sqlite":
        return select(func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value)
    return select(func.unnest(bindparam(name, type_=postgresql.ARRAY(BigInteger))).column_valued("value"))


def given_texts(connection: Connection, name: str = "given") -> Select[Any]:
    """`given` for hashes and names."""
    if connection.dialect.name == "sqlite":
        return given(connection, name)
    return select(func.unnest(bindparam(name, type_=postgresql.ARRAY(Text))).column_valued("value"))


def packed(connection: Connection, values: Iterable[int] | Iterable[str]) -> str | list[int] | list[str]:
    """Ids or texts as a statement with `given` takes them."""
    many: Any = list(values)
    return json.dumps(many) if connection.dialect.name == "sqlite" else many


def built_once(build: Callable[[Connection], S]) -> Callable[[Connection], S]:
    """A statement that is built once for each kind of database: the function takes a connection and uses no more of it
    than its dialect."""
    built: dict[str, S] = {}

    @wraps(build)
    def statement(connection: Connection) -> S:
        dialect = connection.dialect.name
        if dialect not in built:
            built[dialect] = build(connection)
        return built[dialect]

    return statement


def rows_of(
    connection: Connection, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Sequence[Any]]
) -> Select[Any]:
    """A subquery of rows that came from Python, with columns of these names: for 100,000 of them as cheap as `any_of`.

    On SQLite they travel as JSON, where a float may lose its last bit.
    """
    if connection.dialect.name == "sqlite":
        row = func.json_each(json.dumps(rows)).table_valued("value").c.value
        return select(*(func.json_extract(row, f"$[{at}]").label(name) for at, name in enumerate(columns)))
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [
        bindparam(None, list(column), type_=postgresql.ARRAY(kind))
        for column, kind in zip(values, columns.values(), strict=True)
    ]
    return select(*func.unnest(*arrays).table_valued(*columns).render_derived().c)


def unindexed(column: ColumnElement[int]) -> ColumnElement[int]:
    """The column as a value that no index of its own finds.

    For one of several conditions, where another one leaves few rows: PostgreSQL, whose statistics know nothing of the
    100,000 rows that this transaction has written, would take this one's index and read all of them for each row.
    """
    return column + 0


def plan_for_many_rows(connection: Connection) -> None:
    """PostgreSQL keeps sets of 100,000 ids in memory until the transaction ends, where it would search them row by row.

    It also compiles nothing, which for long statements takes it longer than to carry them out.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        connection.execute(text("SET LOCAL jit = off"))


def insert_or(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that understands ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def slices(values: Sequence[T], size: int = PARAMETERS) -> Iterator[Sequence[T]]:
    """`values` in runs of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))
