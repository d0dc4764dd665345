"""Runs statements that are built once: on SQLite by its driver itself, without SQLAlchemy's work for each of them.

Between two looks at the ledger a worker embeds for 100 ms, and finds its caches full of that: 0.5 ms for a question
that takes 0.09 when it is asked again and again, nearly all of it for the hundreds of Python functions on its way.
Given to the driver it takes 0.25, and 0.02.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]

ROWS_AT_ONCE = 32  # of ten columns: no more parameters than SQLite of any distribution allows


def rows_from(connection: Connection, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Row]:
    """All rows that a kept statement gives. On SQLite they are what the driver gives: a Boolean is 0 or 1.

    Where a transaction reads and nothing in it went before, the statement alone is what sees one moment.
    """
    if connection.dialect.name == "sqlite":
        plain = _plain(connection, statement, parameters)
        return _run(_driver(connection), plain.text, plain.values(parameters))[0]
    return [tuple(row) for row in connection.execute(statement, parameters)]


def changed_by(connection: Connection, statement: Executable, parameters: Mapping[str, Any]) -> int:
    """How many rows a kept statement has changed; the columns that it sets are those that are given."""
    if connection.dialect.name == "sqlite":
        plain = _plain(connection, statement, parameters)
        return _run(_driver(connection), plain.text, plain.values(parameters))[1]
    return connection.execute(statement, parameters).rowcount


def run_many(connection: Connection, rows: Sequence[Row], text_for: Callable[[int], str]) -> None:
    """Give SQLite's driver so many rows at a time as `text_for` is asked for a statement with all of their values."""
    driver = _driver(connection)
    whole = len(rows) // ROWS_AT_ONCE * ROWS_AT_ONCE
    text = text_for(ROWS_AT_ONCE)
    for start in range(0, whole, ROWS_AT_ONCE):
        _run(driver, text, tuple(chain.from_iterable(rows[start : start + ROWS_AT_ONCE])))
    text = text_for(1)
    for row in rows[whole:]:
        _run(driver, text, row)


@dataclass(frozen=True)
class _Plain:
    """A statement as SQLite's driver takes it: its parameters by their places, as `names` says."""

    text: str
    names: tuple[str, ...]
    fixed: dict[str, Any]  # those that are a part of the statement
    to_driver: dict[str, Callable[[Any], Any]]

    def values(self, given: Mapping[str, Any]) -> Row:
        all_values = {**self.fixed, **given}
        for name, process in self.to_driver.items():
            all_values[name] = process(all_values[name])
        return tuple(all_values[name] for name in self.names)


_kept: dict[tuple[Executable, tuple[str, ...]], _Plain] = {}


def _plain(connection: Connection, statement: Executable, parameters: Mapping[str, Any]) -> _Plain:
    by = (statement, tuple(parameters))
    if (plain := _kept.get(by)) is None:
        plain = _kept[by] = _compiled(connection, statement, parameters)
    return plain


def _compiled(connection: Connection, statement: Any, parameters: Mapping[str, Any]) -> _Plain:
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(parameters))
    written_out = compiled.construct_expanded_state(dict(parameters))  # `IN` with each of its values
    if several := set(written_out.parameter_expansion) & set(parameters):
        raise ValueError(f"{several} would have to be as many each time: use `given`")
    dialect = connection.dialect
    kinds = {name: compiled.binds[name].type.dialect_impl(dialect) for name in parameters}
    processors = {name: kind.bind_processor(dialect) for name, kind in kinds.items()}
    return _Plain(
        text=written_out.statement,
        names=tuple(written_out.positiontup),
        fixed={name: value for name, value in written_out.parameters.items() if name not in parameters},
        to_driver={name: process for name, process in processors.items() if process is not None},
    )


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


def _run(driver: sqlite3.Connection, text: str, values: Row) -> tuple[list[Row], int]:
    """The rows that it gives, and how many it changed; what goes wrong is named as SQLAlchemy would."""
    try:
        cursor = driver.execute(text, values)
        return cursor.fetchall(), cursor.rowcount
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, None, error, sqlite3.Error) from error
