"""Writes the whole ledger as one moment saw it into one file, while others go on reading and writing."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection

from catalog import tables
from catalog.backup_file import FORMAT, MANIFEST, BackupError, Manifest, TablePart, open_backup, seal_of
from catalog.ledger import Ledger
from catalog.migrations import HEAD
from catalog.numbering import last_numbers
from catalog.table_rows import Tally, layout_of, line_of, read_rows

SPEED = 3  # of zlib's 1 to 9: past it, time doubles for a tenth of the size


def write_backup(ledger: Ledger, path: Path, *, version: str, overwrite: bool = False) -> Manifest:
    """Write every table to `path`, which appears whole, synced and read back, or not at all.

    `version` is this program's. Raises BackupError when the file is there already, unless `overwrite`.
    """
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent} is no folder; make it first.")
    if path.is_dir() or (path.exists() and not overwrite):
        raise BackupError(f"{path} is there already; name another file, or say --overwrite.")
    partial = path.with_name(f".{path.name[:150]}.{uuid4().hex}.partial")
    try:
        # People's names and paths are in it: for this user alone.
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as sink:
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=SPEED) as archive:
                manifest = _write(ledger, archive, version=version)
                said = manifest.model_dump_json(indent=1).encode()
                archive.writestr(MANIFEST, said)
                archive.comment = seal_of(said)
            sink.flush()
            os.fsync(sink.fileno())
        with open_backup(partial) as written:
            written.check()
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return manifest


def _write(ledger: Ledger, archive: zipfile.ZipFile, *, version: str) -> Manifest:
    with ledger.snapshot() as connection:
        parts = [_write_table(connection, archive, table.name) for table in tables.metadata.sorted_tables]
        numbers = last_numbers(connection)
    return Manifest(
        format=FORMAT,
        revision=HEAD,
        ruiji=version,
        database=ledger.dialect,
        made_at=time.time(),
        tables=parts,
        last_numbers=numbers,
    )


def _write_table(connection: Connection, archive: zipfile.ZipFile, name: str) -> TablePart:
    table = tables.metadata.tables[name]
    layout, tally = layout_of(table), Tally()
    part = TablePart(name=name, columns=list(layout.columns), rows=0, sha256="")
    with archive.open(part.entry, "w", force_zip64=True) as sink:
        for row in read_rows(connection, table):
            line = line_of(layout, row)
            tally.add(line)
            sink.write(line)
    return part.model_copy(update={"rows": tally.rows, "sha256": tally.sha256})


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # no handle of a folder to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
