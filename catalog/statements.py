"""What SQLite and PostgreSQL spell differently: long lists of ids in one statement, and inserts that may find a row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Connection, Select, Table, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

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


def insert_or(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that understands ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def slices(values: Sequence[T], size: int = PARAMETERS) -> Iterator[Sequence[T]]:
    """`values` in runs of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))
