"""Puts a backup, or another ledger, in the place of all that a ledger holds, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, delete, func, inspect, select, text

from catalog import tables
from catalog.audit import SHELL, note
from catalog.audit_joining import add_missing
from catalog.backup_file import BackupDamaged, BackupError, BackupFile, Manifest, open_backup
from catalog.errors import LedgerError
from catalog.ledger import Ledger
from catalog.migrations import HEAD, revisions
from catalog.numbering import continue_numbers, last_numbers
from catalog.table_rows import Row, Tally, counted, insert_rows, layout_of, read_rows, tally_of

RowsOf = Callable[[str], Iterable[Row]]

# A backup must not bring back sessions and links that were ended since it was made.
NOT_BROUGHT_BACK = (tables.account_session.name, tables.one_time_link.name)


@dataclass(frozen=True)
class Work:
    """What people have done in a ledger, and nothing can make again."""

    label_events: int
    labels: int
    hunts: int
    training_runs: int

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        told = {name.replace("_", " "): number for name, number in vars(self).items() if number}
        named = (f"{number:,} {name.removesuffix('s') if number == 1 else name}" for name, number in told.items())
        return ", ".join(named) or "no labels"


def work_in(ledger: Ledger) -> Work:
    """What would be lost if everything were replaced."""
    asked = (tables.label_event, tables.label, tables.hunt, tables.run)
    with ledger.read() as connection:
        return Work(*(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in asked))


def restore(ledger: Ledger, path: Path) -> Manifest:
    """Replace all that the ledger holds by what the backup does; interrupted, it is as it was before.

    The file is read whole and checked before anything is touched, and what was written is read back and compared
    before it counts. A backup of an older version is brought up to date on the way. All sessions and links end. The
    audit log keeps its lines: the backup's that it lacks are added, and one about this restore. Raises BackupError.
    """
    with open_backup(path) as backup:
        if backup.manifest.revision not in revisions():
            raise BackupError(
                f"{path} was made by a newer version (revision {backup.manifest.revision}): update this program."
            )
        backup.check()
        if backup.manifest.revision == HEAD:
            _compare_layout(backup)
            parts = {part.name: part for part in backup.manifest.tables}
            with ledger.rebuild() as connection:
                rows = _but_for_sessions(lambda name: backup.rows(parts[name]))
                replace_all(connection, rows, backup.manifest.last_numbers)
                _note_restored(connection, backup)
        else:
            _restore_older(ledger, backup)
        return backup.manifest


def replace_all(connection: Connection, rows_of: RowsOf, numbers: Mapping[str, int]) -> None:
    """Empty every table and fill it with the rows of the table of that name. For `Ledger.rebuild`.

    Only the audit log is never emptied: rows that it lacks are added to it. Raises LedgerError when what was written
    does not read back the same.
    """
    _empty(connection)
    for table in tables.metadata.sorted_tables:
        if table is tables.audit_event and connection.execute(select(table.c.id).limit(1)).first() is not None:
            add_missing(connection, rows_of(table.name))
            continue
        layout, passed = layout_of(table), Tally()
        insert_rows(connection, layout, counted(layout, rows_of(table.name), passed))
        found = tally_of(connection, table)
        if (found.rows, found.sha256) != (passed.rows, passed.sha256):
            raise LedgerError(f"{table.name} does not read back as it was written: nothing was changed.")
    continue_numbers(connection, numbers)


def _empty(connection: Connection) -> None:
    """TRUNCATE where there is one: it keeps the rights on a table, and asks no row whether another refers to it."""
    emptied = [table for table in tables.metadata.sorted_tables if table is not tables.audit_event]
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{table.name}"' for table in emptied)
        connection.execute(text(f"TRUNCATE {names}"))
        return
    for table in reversed(emptied):
        connection.execute(delete(table))


def _but_for_sessions(rows_of: RowsOf) -> RowsOf:
    return lambda name: () if name in NOT_BROUGHT_BACK else rows_of(name)


def _note_restored(connection: Connection, backup: BackupFile) -> None:
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(backup.manifest.made_at))
    note(connection, SHELL, "restored", f"{backup.path.name}, made {made}")


def _compare_layout(backup: BackupFile) -> None:
    ours = {table.name: layout_of(table) for table in tables.metadata.sorted_tables}
    if ours != {part.name: part.layout for part in backup.manifest.tables}:
        raise BackupDamaged(backup.path, f"its tables are not those of revision {HEAD}")


def _restore_older(ledger: Ledger, backup: BackupFile) -> None:
    """By way of a ledger of that version, which is then migrated as any other is."""
    with TemporaryDirectory(prefix="ruiji-restore-") as folder:
        url = f"sqlite:///{Path(folder) / 'older.db'}"
        older = Ledger.open(url, revision=backup.manifest.revision)
        try:
            with older.rebuild() as connection:
                _fill_older(connection, backup)
        finally:
            older.close()
        newer = Ledger.open(url)
        try:
            with newer.snapshot() as source, ledger.rebuild() as connection:
                numbers = {**last_numbers(source), **backup.manifest.last_numbers}
                rows = _but_for_sessions(lambda name: read_rows(source, tables.metadata.tables[name]))
                replace_all(connection, rows, numbers)
                _note_restored(connection, backup)
        finally:
            newer.close()


def _fill_older(connection: Connection, backup: BackupFile) -> None:
    schema = inspect(connection)
    made = {
        name: {str(one["name"]) for one in schema.get_columns(name)}
        for name in schema.get_table_names()
        if name != "alembic_version"
    }
    if made != {part.name: {name for name, _ in part.columns} for part in backup.manifest.tables}:
        raise BackupDamaged(backup.path, f"its tables are not those of revision {backup.manifest.revision}")
    for part in backup.manifest.tables:
        insert_rows(connection, part.layout, backup.rows(part))
