"""Which version an installation is of: the one that set its tables up, and that its workers have to be of."""

from __future__ import annotations

from sqlalchemy import select

from catalog import tables
from catalog.errors import CatalogError
from catalog.ledger import Ledger, clock
from catalog.statements import insert_or

VERSION = "0.1.0"  # of this code; a test compares it with pyproject.toml


class OtherVersion(CatalogError):
    """This process is of another version than the installation: it would mix what the two do."""

    def __init__(self, installed: str) -> None:
        super().__init__(
            f"This worker is Ruiji {VERSION}, the installation is {installed}: it takes no work. Bring this machine to"
            f" {installed}, or the installation to {VERSION} (`python -m deploy.prepare` or `ruiji up` does)."
        )


def set_version(ledger: Ledger) -> None:
    """The installation is of this code's version from now on; workers of any other stop."""
    with ledger.write() as connection:
        values = {"version": VERSION, "set_at": clock(connection)}
        statement = insert_or(connection, tables.installation).values(id=1, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def installed_version(ledger: Ledger) -> str | None:
    """The version that it was set up by; None for one that was never set up by a version that says."""
    with ledger.read() as connection:
        found = connection.execute(select(tables.installation.c.version)).scalar_one_or_none()
        return None if found is None else str(found)


def check_version(ledger: Ledger) -> None:
    """Raise OtherVersion unless this code may work here."""
    if (installed := installed_version(ledger)) not in (None, VERSION):
        raise OtherVersion(str(installed))
