"""A ledger, and a backup, of the first release come up to this version with every row that they had."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, select

from catalog import tables
from catalog.backup import write_backup
from catalog.backup_file import Manifest, TablePart, seal_of
from catalog.hunts import create_hunt
from catalog.label_keys import batch_of_key
from catalog.labels import undo
from catalog.ledger import Ledger
from catalog.migrations import HEAD, revision
from catalog.numbering import continue_numbers
from catalog.restore import restore
from catalog.table_rows import Layout, Row, Tally, insert_rows, layout_of, line_of, read_rows
from tests.catalog.whole_life import AUTHOR, live

FIRST = "0001"


@pytest.fixture
def lived(tmp_path: Path, migrated: Path) -> Ledger:
    """A ledger of this version in which everything has happened: where the rows of the older one come from."""
    shutil.copy(migrated, tmp_path / "lived.db")
    ledger = Ledger.open(f"sqlite:///{tmp_path}/lived.db")
    live(ledger, tmp_path)
    return ledger


def layouts(connection: Connection) -> list[Layout]:
    """The tables of a ledger as they are, and in an order in which each refers to earlier ones."""
    schema = inspect(connection)
    there = set(schema.get_table_names())
    found = []
    for table in tables.metadata.sorted_tables:
        if table.name in there:
            columns = [one["name"] for one in schema.get_columns(table.name)]
            kinds = dict(layout_of(table).columns)
            found.append(Layout(table.name, tuple((name, kinds[name]) for name in columns)))
    return found


def rows_for(ledger: Ledger, layout: Layout) -> list[Row]:
    """The rows of a table, in the columns of the layout."""
    table = tables.metadata.tables[layout.name]
    at = [[name for name, _ in layout_of(table).columns].index(name) for name, _ in layout.columns]
    with ledger.read() as connection:
        return [tuple(row[place] for place in at) for row in read_rows(connection, table)]


def assert_up_to_date(ledger: Ledger, lived: Ledger, older: list[Layout]) -> None:
    """Every row of the older tables is there, and what came with later versions works on them."""
    with ledger.read() as connection:
        assert revision(connection) == HEAD
    assert {layout.name for layout in older} >= {"image", "place", "label", "label_event", "label_state", "embedding"}
    for layout in older:
        rows = rows_for(lived, layout)
        assert rows and rows_for(ledger, layout) == rows, layout.name
    batch = batch_of_key(ledger, "hunted")
    assert batch is not None and undo(ledger, batch, author=AUTHOR, key="later").applied
    with ledger.read() as connection:
        label = connection.execute(select(tables.label.c.id).order_by(tables.label.c.id).limit(1)).scalar_one()
    assert create_hunt(ledger, label_id=label, author=AUTHOR).label_id == label


def test_a_ledger_of_the_first_release_is_upgraded_with_nothing_lost(ledger_url: str, lived: Ledger) -> None:
    older = Ledger.open(ledger_url, revision=FIRST)
    with older.write() as connection:
        assert revision(connection) == FIRST
        made = layouts(connection)
        for layout in made:
            insert_rows(connection, layout, rows_for(lived, layout))
    older.close()
    newer = Ledger.open(ledger_url)
    with newer.write() as connection:  # rows with ids of their own move no sequence of PostgreSQL's
        continue_numbers(connection, {})
    assert_up_to_date(newer, lived, made)
    newer.close()


def test_a_backup_of_the_first_release_is_restored(any_ledger: Ledger, lived: Ledger, tmp_path: Path) -> None:
    write_backup(lived, tmp_path / "now.zip", version="0")
    older = Ledger.open(f"sqlite:///{tmp_path}/older.db", revision=FIRST)
    with older.read() as connection:
        made = layouts(connection)
    older.close()
    parts = []
    with zipfile.ZipFile(tmp_path / "now.zip") as now, zipfile.ZipFile(tmp_path / "first.zip", "w") as first:
        for layout in made:
            tally, lines = Tally(), [line_of(layout, row) for row in rows_for(lived, layout)]
            for line in lines:
                tally.add(line)
            part = TablePart(name=layout.name, columns=list(layout.columns), rows=tally.rows, sha256=tally.sha256)
            first.writestr(part.entry, b"".join(lines))
            parts.append(part)
        manifest = Manifest.model_validate_json(now.read("manifest.json"))
        numbers = {name: last for name, last in manifest.last_numbers.items() if name in {one.name for one in parts}}
        said = json.dumps(
            {**manifest.model_dump(), "revision": FIRST, "tables": [one.model_dump() for one in parts]}
            | {"last_numbers": numbers}
        ).encode()
        first.writestr("manifest.json", said)
        first.comment = seal_of(said)
    restore(any_ledger, tmp_path / "first.zip")
    assert_up_to_date(any_ledger, lived, made)
