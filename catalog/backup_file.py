"""A backup of the ledger as a file: a zip with JSON lines for each table, and a manifest that says what it holds.

No database's own format: what SQLite wrote, PostgreSQL reads, and so does any program that knows zip and JSON.
"""

from __future__ import annotations

import hashlib
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import CatalogError
from catalog.table_rows import Kind, Layout, Row, Tally, row_of

FORMAT = 1
MANIFEST = "manifest.json"
LONGEST_LINE = 64 * 1024 * 1024
LONGEST_MANIFEST = 1024 * 1024
YEAR_10000 = 253_402_300_800.0  # in seconds since 1970; no date is told of what is later
# What zipfile, its decompressors and json raise for a file that was not written here: RuntimeError for a locked one,
# for a packing that is not known, and for what is nested too deep; OSError for damaged bzip2.
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, OSError, RuntimeError, ValueError)


class BackupError(CatalogError):
    """A backup cannot be written or used; the message says why and what to do."""


class BackupDamaged(BackupError):
    """The file is no backup, or not what was written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no sound backup ({reason}): nothing was changed. Use another copy of it.")


class TablePart(BaseModel):
    """One table: its columns with what they hold, the number of its rows, and the sha256 of their lines."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    columns: list[tuple[str, Kind]]
    rows: int
    sha256: str

    @property
    def layout(self) -> Layout:
        """The columns, as rows are read and written by."""
        return Layout(self.name, tuple(self.columns))

    @property
    def entry(self) -> str:
        """The name of its file in the zip."""
        return f"tables/{self.name}.jsonl"


class Manifest(BaseModel):
    """What a backup holds: tables in an order in which each refers to earlier ones, and the last number each gave."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    revision: str
    ruiji: str
    database: str
    made_at: float = Field(ge=0, lt=YEAR_10000)
    tables: list[TablePart]
    last_numbers: dict[str, int]

    def rows_of(self, table: str) -> int:
        """How many rows of a table it holds; 0 for one that its version did not have."""
        return next((part.rows for part in self.tables if part.name == table), 0)


class BackupFile:
    """A backup that was opened; its rows are read one by one."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._archive = archive

    def check(self) -> None:
        """Read all of it; raises BackupDamaged unless every row of every table is there and as it was written."""
        for part in self.manifest.tables:
            for _ in self.rows(part):
                pass

    def rows(self, part: TablePart) -> Iterator[Row]:
        """A table's rows. Raises BackupDamaged, at the end when the count or the hash is another."""
        tally = Tally()
        layout = part.layout
        try:
            with self._archive.open(part.entry) as lines:
                while line := lines.readline(LONGEST_LINE):
                    tally.add(line)
                    yield row_of(layout, line)
        except UNREADABLE as error:
            raise BackupDamaged(self.path, f"{part.name}, row {tally.rows}: {error}") from error
        if tally.rows != part.rows:
            raise BackupDamaged(self.path, f"{part.name} has {tally.rows} rows, and its manifest says {part.rows}")
        if tally.sha256 != part.sha256:
            raise BackupDamaged(self.path, f"{part.name} is not what was written: its sha256 is another")


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Open a backup and read its manifest. Raises BackupDamaged, or BackupError for one of a newer format."""
    if not path.is_file():
        raise BackupError(f"{path}: there is no such file.")
    try:
        archive = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise BackupDamaged(path, f"it is cut short, or no zip: {error}") from error
    with archive:
        yield BackupFile(path, archive, _manifest(path, archive))


def seal_of(manifest: bytes) -> bytes:
    """The zip's comment: what tells a manifest that was changed."""
    return b"ruiji backup, sha256 of its manifest " + hashlib.sha256(manifest).hexdigest().encode()


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
        if info.file_size > LONGEST_MANIFEST:
            raise BackupDamaged(path, "its manifest is too long")
        said = archive.read(info)
        if archive.comment != seal_of(said):
            raise BackupDamaged(path, "its manifest is not what was written")
        found = Manifest.model_validate_json(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise BackupDamaged(path, f"its manifest is wrong at {first['loc']}: {first['msg']}") from error
    except UNREADABLE as error:
        raise BackupDamaged(path, f"its manifest cannot be read: {error}") from error
    if found.format != FORMAT:
        raise BackupError(f"{path} is of format {found.format}, and this version reads {FORMAT}: update this program.")
    if sorted(archive.namelist()) != sorted([MANIFEST, *(part.entry for part in found.tables)]):
        raise BackupDamaged(path, "it holds other files than its manifest names")
    return found
