"""The ledger's schema over time: brings a database up to the revision that this version's tables expect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from catalog.errors import LedgerError

if TYPE_CHECKING:
    from alembic.config import Config

# Known here so that opening a ledger that is up to date needs no Alembic (0.2 s to import).
HEAD = "0009"
_LOCK = 0x52_75_69_6A_69  # "Ruiji"


def migrate(connection: Connection, *, to: str = HEAD) -> None:
    """Run the missing revisions inside the caller's transaction; processes that start together take turns.

    `to` an older revision: what a backup of that time is read into.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = revision(connection)
    if found == to:
        return
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    if found is not None and found not in revisions():
        raise LedgerError(f"The ledger was written by a newer version (revision {found}): update this program.")
    command.upgrade(config, "head" if to == HEAD else to)


def revisions() -> set[str]:
    """Every revision that this version knows."""
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
