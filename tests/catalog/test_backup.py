"""A backup holds every row of every table, and comes back whole on either database or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

import catalog.backup
from catalog import tables
from catalog.backup import write_backup
from catalog.backup_file import BackupDamaged, BackupError, TablePart, open_backup, seal_of
from catalog.label_keys import batch_of_key
from catalog.labels import ensure_label, undo
from catalog.ledger import Ledger, LedgerError
from catalog.numbering import last_numbers
from catalog.restore import NOT_BROUGHT_BACK, Work, restore, work_in
from tests.catalog.conftest import DATABASES, new_database
from tests.catalog.whole_life import AUTHOR, LABEL, empty, everything, live

VERSION = "0.1.0"


@pytest.fixture(params=DATABASES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """Another empty ledger, once on each kind of database."""
    url = f"sqlite:///{tmp_path}/target.db"
    if request.param == "postgresql":
        like = request.getfixturevalue("migrated_postgresql")
        url = new_database(request.getfixturevalue("postgresql"), like=like)
    opened = Ledger.open(url)
    yield opened
    opened.close()


@pytest.fixture
def here(tmp_path: Path, migrated: Path) -> Iterator[Ledger]:
    """Another ledger with a label, on SQLite: for files that are refused before any database is asked."""
    shutil.copy(migrated, tmp_path / "here.db")
    opened = Ledger.open(f"sqlite:///{tmp_path}/here.db")
    ensure_label(opened, "only here")
    yield opened
    opened.close()


@pytest.fixture
def backup(ledger: Ledger, tmp_path: Path) -> Path:
    """A backup of a ledger in which everything has happened."""
    live(ledger, tmp_path)
    write_backup(ledger, tmp_path / "ledger.zip", version=VERSION)
    return tmp_path / "ledger.zip"


def test_every_table_comes_back_row_for_row_on_either_database(
    any_ledger: Ledger, target: Ledger, tmp_path: Path
) -> None:
    live(any_ledger, tmp_path)
    before = everything(any_ledger)
    made = write_backup(any_ledger, tmp_path / "ledger.zip", version=VERSION)
    assert {part.name: part.rows for part in made.tables} == {name: len(rows) for name, rows in before.items()}
    restore(target, tmp_path / "ledger.zip")
    after = everything(target)
    assert after.pop("audit_event")[:-1] == before.pop("audit_event"), "all lines, and one about the restore"
    assert after == {**before, **{name: [] for name in NOT_BROUGHT_BACK}}
    assert before["label_event"] and sorted(empty(target)) == sorted(NOT_BROUGHT_BACK)
    # The number of a label that is gone is not given again, and what was done there can be undone here.
    assert ensure_label(target, "new").id > numbers_of(any_ledger)["label"] == len(before["label"]) + 1
    batch = batch_of_key(target, "merged")
    assert batch is not None
    assert undo(target, batch, author=AUTHOR, key="there").applied == 2


def numbers_of(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as connection:
        return last_numbers(connection)


def test_a_backup_of_a_backup_holds_the_same(backup: Path, target: Ledger, tmp_path: Path) -> None:
    restore(target, backup)
    again = write_backup(target, tmp_path / "again.zip", version=VERSION)
    with open_backup(backup) as first:
        differ = {one.name for one, other in zip(again.tables, first.manifest.tables, strict=True) if one != other}
        assert differ == {"audit_event", *NOT_BROUGHT_BACK}
        assert again.rows_of("audit_event") == first.manifest.rows_of("audit_event") + 1
        numbers = first.manifest.last_numbers
        assert again.last_numbers == {**numbers, "audit_event": numbers["audit_event"] + 1}
        assert first.manifest.rows_of("label_event") == len(everything(target)["label_event"])


def test_it_is_one_moment_while_others_write(
    any_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writer adds a label and, in the same transaction, a group: a backup never has one without the other."""
    over = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not over.is_set():
            name = f"n{len(written)}"
            with any_ledger.write() as connection:
                values = {"name": name, "created_at": 0.0}
                connection.execute(insert(tables.label).values(**values, colour="#000000"))
                connection.execute(insert(tables.label_group).values(**values, exclusive=False))
            written.append(name)

    copy = catalog.backup._write_table

    def copied(connection: Connection, archive: zipfile.ZipFile, name: str) -> TablePart:
        part, there = copy(connection, archive, name), len(written)
        while name in ("label", "label_group") and len(written) == there and writer.is_alive():
            over.wait(0.001)  # somebody writes between the two tables and what comes after them
        return part

    monkeypatch.setattr("catalog.backup._write_table", copied)
    writer = threading.Thread(target=write)
    writer.start()
    before = []
    try:
        for number in range(3):
            while len(written) < 5 * (number + 1):
                over.wait(0.005)
            before.append(len(written))
            write_backup(any_ledger, tmp_path / f"{number}.zip", version=VERSION)
    finally:
        over.set()
        writer.join()
    assert len(written) > before[-1], "nothing was written meanwhile"
    for number, least in enumerate(before):
        with open_backup(tmp_path / f"{number}.zip") as backup:
            parts = {part.name: part for part in backup.manifest.tables}
            labels, groups = ([row[1] for row in backup.rows(parts[name])] for name in ("label", "label_group"))
        assert labels == groups == written[: len(labels)]
        assert least <= len(labels) <= len(written)


def change_row(folder: Path) -> None:
    events = folder / "tables" / "label_event.jsonl"
    said = events.read_text()
    assert '"yes"' in said
    events.write_text(said.replace('"yes"', '"no"', 1))


def drop_row(folder: Path) -> None:
    events = folder / "tables" / "label_event.jsonl"
    events.write_text("".join(events.read_text().splitlines(keepends=True)[:-1]))


def change_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    said = json.loads(path.read_text())
    said["tables"] = [{**part, "rows": part["rows"] + 1} for part in said["tables"]]
    path.write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (change_row, "sha256 is another"),
        (drop_row, "rows, and its manifest says"),
        (change_manifest, "manifest is not what was written"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest cannot be read"),
        (lambda folder: (folder / "tables" / "label.jsonl").unlink(), "other files than its manifest names"),
        (lambda folder: (folder / "more").write_text("x"), "other files than its manifest names"),
        (lambda folder: (folder / "tables" / "label.jsonl").write_text("[1]\n"), "label, row 1"),
    ],
)
def test_a_backup_that_was_changed_is_refused_and_nothing_is(
    backup: Path, here: Ledger, tmp_path: Path, harm: Callable[[Path], Any], reason: str
) -> None:
    before = everything(here)
    with zipfile.ZipFile(backup) as archive:
        archive.extractall(tmp_path / "unpacked")
        comment = archive.comment
    harm(tmp_path / "unpacked")
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as changed:
        for path in sorted((tmp_path / "unpacked").rglob("*")):
            if path.is_file():
                changed.write(path, path.relative_to(tmp_path / "unpacked").as_posix())
        changed.comment = comment
    with pytest.raises(BackupDamaged, match=reason):
        restore(here, tmp_path / "changed.zip")
    assert everything(here) == before


def test_a_backup_that_was_cut_short_or_hit_is_refused(backup: Path, here: Ledger, tmp_path: Path) -> None:
    data = backup.read_bytes()
    with zipfile.ZipFile(backup) as archive:
        info = archive.getinfo("tables/label_event.jsonl")
        inside = info.header_offset + 100
    other = tmp_path / "other.zip"
    for harmed in (data[: len(data) // 2], data[:-1], b"", data[:inside] + b"\0\0\0\0\0" + data[inside + 5 :]):
        other.write_bytes(harmed)
        with pytest.raises(BackupDamaged, match=r"no sound backup .*nothing was changed"):
            restore(here, other)
    with pytest.raises(BackupError, match="no such file"):
        restore(here, tmp_path / "none.zip")
    assert "label_event" in empty(here)


def test_a_restore_that_breaks_off_changes_nothing(
    backup: Path, target: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(target, tmp_path / "other")
    before = everything(target)
    ensure_label(target, "only here")
    kept = everything(target)

    def break_off(*_: Any) -> None:
        raise OSError("the machine went down")

    with monkeypatch.context() as patch:
        patch.setattr("catalog.restore.continue_numbers", break_off)  # the last step: all tables are written by then
        with pytest.raises(OSError, match="went down"):
            restore(target, backup)
    assert everything(target) == kept != before
    restore(target, backup)
    assert LABEL in {row[1] for row in everything(target)["label"]}
    assert "only here" not in {row[1] for row in everything(target)["label"]}


def test_a_row_that_refers_to_nothing_is_refused(backup: Path, target: Ledger, tmp_path: Path) -> None:
    """Hashes and counts are right, and yet it is no ledger: the database has the last word."""
    with zipfile.ZipFile(backup) as archive, zipfile.ZipFile(tmp_path / "changed.zip", "w") as changed:
        manifest = json.loads(archive.read("manifest.json"))
        for part in manifest["tables"]:
            rows = archive.read(f"tables/{part['name']}.jsonl")
            if part["name"] == "image":
                rows = rows.split(b"\n", 1)[1]
                part["rows"] -= 1
                part["sha256"] = hashlib.sha256(rows).hexdigest()
            changed.writestr(f"tables/{part['name']}.jsonl", rows)
        said = json.dumps(manifest).encode()
        changed.writestr("manifest.json", said)
        changed.comment = seal_of(said)
    with pytest.raises((LedgerError, IntegrityError), match=r"not there|violates foreign key"):
        restore(target, tmp_path / "changed.zip")
    assert "image" in empty(target)


def test_references_are_checked_again_after_a_restore(backup: Path, target: Ledger) -> None:
    restore(target, backup)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), target.write() as connection:
        connection.execute(insert(tables.index_change).values(image_id=10**9))


def test_an_existing_file_stays_unless_it_shall_be_replaced(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "ledger.zip"
    path.write_text("somebody's")
    with pytest.raises(BackupError, match="--overwrite"):
        write_backup(ledger, path, version=VERSION)
    assert path.read_text() == "somebody's"
    write_backup(ledger, path, version=VERSION, overwrite=True)
    with open_backup(path) as written:
        assert written.manifest.rows_of("image") == 0
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="make it first"):
        write_backup(ledger, tmp_path / "nowhere" / "x.zip", version=VERSION)


def test_a_backup_that_breaks_off_leaves_no_file(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("catalog.backup.last_numbers", break_off)
    with pytest.raises(OSError, match="full"):
        write_backup(ledger, tmp_path / "ledger.zip", version=VERSION)
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []


def test_a_backup_of_a_newer_version_is_left_alone(backup: Path, here: Ledger, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup) as archive, zipfile.ZipFile(tmp_path / "newer.zip", "w") as newer:
        manifest = {**json.loads(archive.read("manifest.json")), "revision": "9999"}
        for part in manifest["tables"]:
            newer.writestr(f"tables/{part['name']}.jsonl", archive.read(f"tables/{part['name']}.jsonl"))
        said = json.dumps(manifest).encode()
        newer.writestr("manifest.json", said)
        newer.comment = seal_of(said)
    with pytest.raises(BackupError, match=r"newer version \(revision 9999\)"):
        restore(here, tmp_path / "newer.zip")
    assert work_in(here) == Work(label_events=0, labels=1, hunts=0, training_runs=0)
