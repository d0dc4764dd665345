"""Many rows at once are written as they are given, on both databases, under numbers that were never given before."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from catalog import tables
from catalog.ledger import Ledger
from catalog.many_rows import insert_many, new_numbers, update_many
from tests.catalog.stand_in import digest

COLUMNS = ("id", "sha256", "pixel_hash", "width", "height", "bytes", "format", "created_at", "deleted_at")


def image_of(number: int) -> tuple[Any, ...]:
    return (number, digest(f"file {number}"), digest(f"picture {number}"), 640, 480, 2**40, "JPEG", 0.1 + number, None)


def written(ledger: Ledger) -> list[tuple[Any, ...]]:
    columns = [tables.image.c[name] for name in COLUMNS]
    with ledger.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(tables.image.c.id))]


def test_rows_are_read_as_they_were_written_and_changed(any_ledger: Ledger) -> None:
    with any_ledger.write() as connection:
        numbers = new_numbers(connection, tables.image, 1000)
        assert len(set(numbers)) == 1000
        rows = [image_of(number) for number in numbers]
        insert_many(connection, tables.image, COLUMNS, rows)
        insert_many(connection, tables.image, COLUMNS, [])
    assert written(any_ledger) == sorted(rows)
    half = list(numbers)[::2]
    with any_ledger.write() as connection:
        update_many(connection, tables.image, ("deleted_at", "format"), [(0.3, "O'Brien", number) for number in half])
        update_many(connection, tables.image, ("deleted_at", "format"), [])
    found = {row[0]: (row[-1], row[-3]) for row in written(any_ledger)}
    assert found == {number: ((0.3, "O'Brien") if number in half else (None, "JPEG")) for number in numbers}


def test_a_number_is_never_given_twice(any_ledger: Ledger) -> None:
    image = tables.image
    with any_ledger.write() as connection:
        first = list(new_numbers(connection, image, 3))
        insert_many(connection, image, COLUMNS, [image_of(number) for number in first])
        connection.execute(delete(image))
        second = list(new_numbers(connection, image, 2))
        insert_many(connection, image, COLUMNS, [image_of(number) for number in second])
        values = dict(zip(COLUMNS, image_of(0), strict=True))
        values.pop("id")
        third = connection.execute(insert(image).values(**values).returning(image.c.id)).scalar_one()
    assert max(first) < min(second) and max(second) < third


def test_a_row_that_is_there_already_refuses_all(any_ledger: Ledger) -> None:
    with any_ledger.write() as connection:
        insert_many(connection, tables.image, COLUMNS, [image_of(1)])
    with pytest.raises(IntegrityError), any_ledger.write() as connection:
        insert_many(connection, tables.image, COLUMNS, [image_of(2), image_of(1)])
    assert [row[0] for row in written(any_ledger)] == [1]
