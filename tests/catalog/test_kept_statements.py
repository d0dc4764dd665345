"""Statements that are built once say the same on both databases, and what goes wrong in them has the same name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog import tables
from catalog.kept_statements import ROWS_AT_ONCE, changed_by, rows_from
from catalog.ledger import Ledger, LedgerBusy, LedgerError
from catalog.many_rows import insert_many
from catalog.statements import built_once, given, packed
from tests.catalog.test_many_rows import COLUMNS, image_of, written

IMAGE = tables.image
WIDE = select(IMAGE.c.id, IMAGE.c.format).where(IMAGE.c.width.in_((640, 800)), IMAGE.c.id > bindparam("after"))
CHANGE = update(IMAGE).where(IMAGE.c.id == bindparam("of"))
NEW = insert(tables.encoder).returning(tables.encoder.c.name)


@built_once
def _among(connection: Connection) -> Select[Any]:
    return select(IMAGE.c.id).where(IMAGE.c.id.in_(given(connection))).order_by(IMAGE.c.id)


def some_images(ledger: Ledger) -> None:
    with ledger.write() as connection:
        insert_many(connection, IMAGE, COLUMNS, [image_of(number) for number in range(1, 6)])


def test_a_question_is_asked_with_other_values_each_time(any_ledger: Ledger) -> None:
    some_images(any_ledger)
    with any_ledger.read() as connection:
        assert sorted(rows_from(connection, WIDE, {"after": 3})) == [(4, "JPEG"), (5, "JPEG")]
        assert rows_from(connection, WIDE, {"after": 5}) == []
        for ids in ([1], [2, 4, 9], []):
            found = rows_from(connection, _among(connection), {"given": packed(connection, ids)})
            assert [row[0] for row in found] == [one for one in ids if one < 6]


def test_a_change_sets_what_is_given_and_says_how_many_rows_it_changed(any_ledger: Ledger) -> None:
    some_images(any_ledger)
    with any_ledger.write() as connection:
        assert changed_by(connection, CHANGE, {"of": 2, "format": "PNG"}) == 1
        assert changed_by(connection, CHANGE, {"of": 3, "width": 7, "format": "GIF"}) == 1
        assert changed_by(connection, CHANGE, {"of": 77, "format": "PNG"}) == 0
    assert [(row[3], row[6]) for row in written(any_ledger)][1:3] == [(640, "PNG"), (7, "GIF")]


def test_a_value_that_the_driver_does_not_know_is_written_as_its_column_wants_it(any_ledger: Ledger) -> None:
    metrics = {"loss": [0.5, None], "name": "O'Brien"}
    values = {
        **dict.fromkeys(("id", "name", "folder", "collection"), "e"),
        "dimension": 1,
        "input_size": 1,
        "config": {},
        "metrics": metrics,
        "created_at": 0.0,
    }
    with any_ledger.write() as connection:
        assert rows_from(connection, NEW, values) == [("e",)]
    with any_ledger.read() as connection:
        assert connection.execute(select(tables.encoder.c.metrics)).scalar_one() == metrics


def test_a_transaction_that_fails_leaves_nothing_of_its_kept_statements(any_ledger: Ledger) -> None:
    some_images(any_ledger)
    before = written(any_ledger)
    with pytest.raises(IntegrityError), any_ledger.write() as connection:
        changed_by(connection, CHANGE, {"of": 2, "format": "PNG"})
        changed_by(connection, CHANGE, {"of": 2, "sha256": before[0][1]})
    assert written(any_ledger) == before


def test_a_row_that_is_refused_behind_many_takes_them_with_it(any_ledger: Ledger) -> None:
    some_images(any_ledger)
    before = written(any_ledger)
    many = [image_of(number) for number in range(10, 10 + 2 * ROWS_AT_ONCE)]
    with pytest.raises(IntegrityError), any_ledger.write() as connection:
        insert_many(connection, IMAGE, COLUMNS, [*many[:-3], image_of(1), *many[-3:]])
    assert written(any_ledger) == before


def test_a_list_that_would_have_to_be_as_long_each_time_is_refused(ledger: Ledger) -> None:
    listed = select(IMAGE.c.id).where(IMAGE.c.id.in_(bindparam("ids", expanding=True)))
    with pytest.raises(ValueError, match="ids"), ledger.read() as connection:
        rows_from(connection, listed, {"ids": [1, 2]})


def test_a_ledger_that_cannot_be_read_is_named_with_a_remedy(ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as caught, ledger.write() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA max_page_count = 1")
        for first in range(1, 100_000, 5000):
            rows = [image_of(number) for number in range(first, first + 5000)]
            insert_many(connection, IMAGE, COLUMNS, rows)
    assert "Free some space" in str(caught.value) and not isinstance(caught.value, LedgerBusy)
