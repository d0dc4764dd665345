"""Holds an installation still while its ledger is replaced or copied: nothing of it runs, and nothing of it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from catalog import tables
from catalog.errors import CatalogError
from catalog.ledger import Ledger
from catalog.workers import list_workers
from deploy.lock import HomeLock
from deploy.valkey import make_private
from settings import Settings
from worker.presence import ALIVE_WITHIN_S


class StillWorking(CatalogError):
    """Workers of this ledger are alive, here or on another machine."""


@contextmanager
def stopped(settings: Settings) -> Iterator[None]:
    """Keep `ruiji up` from this home folder until the block ends. Raises AlreadyRunning."""
    settings.home.mkdir(parents=True, exist_ok=True)
    make_private(settings.run_folder)
    with HomeLock(settings.run_folder / "lock"):
        yield


@contextmanager
def unchanged(ledger: Ledger) -> Iterator[None]:
    """Nobody writes to the ledger until the block ends; reading goes on. A killed process lets go of it at once."""
    with ledger.write() as connection:  # SQLite has one writer, and this is it
        if connection.dialect.name == "postgresql":
            names = ", ".join(f'"{table.name}"' for table in tables.metadata.sorted_tables)
            connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
        yield


def require_no_workers(ledger: Ledger) -> None:
    """Raise StillWorking when a worker has given a sign of life a moment ago."""
    if alive := list_workers(ledger, alive_within_s=ALIVE_WITHIN_S):
        names = ", ".join(row.name for row in alive[:3]) + (" …" if len(alive) > 3 else "")
        raise StillWorking(
            f"{len(alive)} workers use {ledger}: {names}. Stop them and the page first;"
            f" one that was killed counts as gone after {ALIVE_WITHIN_S:.0f} s."
        )
