"""The migrated schema is the one that the tables say, on each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, text

import catalog.migrations
from catalog import tables
from catalog.ledger import Ledger, LedgerError
from catalog.migrations import HEAD, revision


def test_the_migrated_schema_is_that_of_the_tables(any_ledger: Ledger) -> None:
    with any_ledger.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []


def test_checks_and_partial_indexes_are_there_too(any_ledger: Ledger) -> None:
    with any_ledger.read() as connection:
        schema = inspect(connection)
        for table in tables.metadata.sorted_tables:
            wanted = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
            found = {str(one["name"]) for one in schema.get_check_constraints(table.name)}
            assert found == wanted, table.name
        partial = next(one for one in schema.get_indexes("image") if one["name"] == "ix_image_deleted")
        assert "IS NOT NULL" in str(partial["dialect_options"][f"{any_ledger.dialect}_where"])


def test_sqlite_never_gives_an_id_twice(ledger: Ledger) -> None:
    with ledger.read() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        made: dict[str, str] = {row.name: row.sql for row in rows}
    wanted = {table.name for table in tables.metadata.sorted_tables if table.dialect_options["sqlite"]["autoincrement"]}
    assert wanted == {name for name, sql in made.items() if sql and "AUTOINCREMENT" in sql}


def test_the_head_is_the_newest_revision(any_ledger: Ledger) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(catalog.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD
    with any_ledger.read() as connection:
        assert revision(connection) == HEAD


def test_opening_again_changes_nothing(ledger_url: str) -> None:
    first = Ledger.open(ledger_url)
    with first.write() as connection:
        connection.execute(tables.label_group.insert().values(name="kept", exclusive=True, created_at=0.0))
    second = Ledger.open(ledger_url)
    with second.read() as connection:
        assert connection.execute(tables.label_group.select()).one().name == "kept"
    first.close()
    second.close()


def test_what_an_older_version_wrote_is_kept(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        older = Ledger.open(ledger_url)
    with older.write() as connection:
        assert revision(connection) == "0001"
        connection.execute(text("INSERT INTO label (id, name, colour, created_at) VALUES (7, 'plane', '#112233', 1.0)"))
    older.close()
    newer = Ledger.open(ledger_url)
    with newer.read() as connection:
        assert revision(connection) == HEAD
        assert connection.execute(tables.label.select()).one().name == "plane"
    newer.close()


def test_a_ledger_of_a_newer_version_is_left_alone(ledger_url: str) -> None:
    ledger = Ledger.open(ledger_url)
    with ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    with pytest.raises(LedgerError, match="newer version"):
        Ledger.open(ledger_url)
