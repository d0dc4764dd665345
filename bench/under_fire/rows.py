"""Rows of a ledger, SQLite's file or PostgreSQL, read beside whoever uses it and by no code of the catalog's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


class Look:
    """One moment of a ledger."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def one_writer(self) -> bool:
        """Whether transactions come one after the other, so that numbers have neither gaps nor another order."""
        return self._connection.dialect.name == "sqlite"

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a SELECT finds."""
        return [tuple(row) for row in self._connection.execute(text(statement), values)]


@contextmanager
def looking(ledger: Path | str) -> Iterator[Look]:
    """A look at SQLite's file, or at the database of an SQLAlchemy URL; either may be in use."""
    url = f"sqlite:///file:{ledger}?mode=ro&uri=true&timeout=30" if isinstance(ledger, Path) else ledger
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(BEGIN[engine.dialect.name])
        yield Look(connection)


def rows(ledger: Path | str, statement: str) -> list[tuple[Any, ...]]:
    """What a SELECT finds, in a look of its own."""
    with looking(ledger) as look:
        return look.rows(statement)
