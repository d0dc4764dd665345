"""Hundreds of rows written at once, without work for each of them in Python.

SQLite's driver binds tuples itself, 32 of them to a statement; PostgreSQL is sent one array for each column. Of 512 new
images the database's own work takes 2 ms; SQLAlchemy's executemany, which makes a dictionary of each row and then a
tuple of it, took 11.

Callers let an exception end the transaction: on SQLite, rows before the one that is refused are there until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, insert, text, update

from catalog.kept_statements import rows_from, run_many
from catalog.statements import rows_of

Rows = Sequence[tuple[Any, ...]]

_LAST_NUMBER = text("SELECT seq FROM sqlite_sequence WHERE name = :table")


def new_numbers(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """So many ids for rows that are written next, in this transaction; none was ever given, or will be.

    The table must have an `id` that is never given twice (`sqlite_autoincrement`).
    """
    if connection.dialect.name == "sqlite":
        # There is one writer, and the rows themselves move the number on.
        given = rows_from(connection, _LAST_NUMBER, {"table": table.name})
        last = given[0][0] if given else 0
        return range(last + 1, last + 1 + count)
    drawn = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return connection.execute(drawn, {"table": table.name, "count": count}).scalars().all()


def insert_many(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    """Write new rows, each a tuple of these columns; the values are those that the driver takes as they are."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        run_many(connection, rows, lambda count: _insert(table.name, tuple(columns), count))
        return
    kinds = {name: table.c[name].type for name in columns}
    connection.execute(insert(table).from_select(list(columns), rows_of(connection, kinds, rows)))


def update_many(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    """Change rows by their `id`: each tuple has the values of these columns and then the id.

    Whoever may meet another transaction at these rows has locked them in the order of their ids.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        run_many(connection, rows, lambda count: _update(table.name, tuple(columns), count))
        return
    kinds = {name: table.c[name].type for name in (*columns, "id")}
    given = rows_of(connection, kinds, rows).subquery("given")
    values = {name: given.c[name] for name in columns}
    connection.execute(update(table).where(table.c.id == given.c.id).values(values))


@lru_cache
def _insert(table: str, columns: tuple[str, ...], count: int) -> str:
    """For so many rows at once. OR FAIL: what a statement has done by the time that a row is refused goes with the
    transaction, so SQLite need not copy each page beforehand, which takes it as long again."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT OR FAIL INTO "{table}" ({names}) VALUES {_places(len(columns), count)}'  # noqa: S608  our own names


@lru_cache
def _update(table: str, columns: tuple[str, ...], count: int) -> str:
    """For so many rows at once, each with its id behind the values."""
    values = ", ".join(f'"{name}" = given.column{at}' for at, name in enumerate(columns, start=1))
    given = _places(len(columns) + 1, count)
    here = f'"{table}".id = given.column{len(columns) + 1}'
    return f'UPDATE "{table}" SET {values} FROM (VALUES {given}) AS given WHERE {here}'  # noqa: S608  our own names


def _places(columns: int, rows: int) -> str:
    row = ", ".join("?" for _ in range(columns))
    return ", ".join(f"({row})" for _ in range(rows))
