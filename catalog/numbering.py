"""The last number that each table has given to a row: it goes with the rows, so that no copy gives one again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, func, select, text

from catalog import tables


def last_numbers(connection: Connection) -> dict[str, int]:
    """Table -> the highest id that it ever gave, also when that row is gone."""
    return {table.name: _last(connection, table) for table in _numbered()}


def continue_numbers(connection: Connection, last: Mapping[str, int]) -> None:
    """Let each table go on after `last`, or after the highest id that is in it."""
    for table in _numbered():
        number = max(last.get(table.name, 0), _highest(connection, table))
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, 'id'), greatest(:number, 1), :number > 0)"),
                {"table": table.name, "number": number},
            )
        elif table.dialect_options["sqlite"]["autoincrement"]:
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
            connection.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :number)"),
                {"table": table.name, "number": number},
            )


def _numbered() -> list[Table]:
    """The tables that number their rows, but for those that have one row, which is always 1."""
    single = (tables.serving, tables.installation)
    numbered = [(table, table.autoincrement_column) for table in tables.metadata.sorted_tables]
    return [table for table, by in numbered if by is not None and by.name == "id" and table not in single]


def _last(connection: Connection, table: Table) -> int:
    if connection.dialect.name == "postgresql":
        asked = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id')::regclass)")
    else:
        asked = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    given = connection.execute(asked, {"table": table.name}).scalar()
    return max(given or 0, _highest(connection, table))


def _highest(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.c.id))).scalar() or 0
