"""The ledger of an installation that is there: a command that only looks, or changes what there is, makes none."""

from __future__ import annotations

from pathlib import Path

from catalog.ledger import Ledger
from catalog.ledger_engine import parse_url
from catalog.migrations import revision
from deploy.shell.failures import NotRunning
from settings import Settings

REMEDY = (
    "set RUIJI_HOME to the folder of the one that you mean (`make demo` and `ruiji up` print it),"
    " or start one here with: ruiji up"
)


class NothingThere(NotRunning):
    """No installation where the settings lead."""

    def __init__(self, where: str) -> None:
        super().__init__(f"there is no Ruiji in {where}; {REMEDY}")


def known_ledger(settings: Settings) -> Ledger:
    """Open it and bring its tables up to date. Raises NothingThere, and neither file nor folder is made then."""
    if (file := missing_file(settings)) is not None:
        raise NothingThere(str(settings.home if not settings.database_url else file))
    url = settings.resolved_database_url()
    ledger = Ledger.open(url, upgrade=False)
    try:
        with ledger.read() as connection:
            empty = revision(connection) is None
        if empty:
            raise NothingThere(str(ledger))
    finally:
        ledger.close()
    return Ledger.open(url)


def missing_file(settings: Settings) -> Path | None:
    """The file of an SQLite ledger that is not there."""
    url = parse_url(settings.resolved_database_url())
    file = Path(str(url.database))
    return file if url.get_backend_name() == "sqlite" and not file.is_file() else None
