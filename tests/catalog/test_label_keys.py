"""A key belongs to the request that used it: the same one again writes nothing, another one is refused and tells so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from catalog import tables
from catalog.errors import KeyTaken
from catalog.label_keys import batch_of_key
from catalog.label_review import record_review
from catalog.labels import Decision, ensure_label, merge_label, record, redo, undo
from catalog.ledger import Ledger
from catalog.migrations import revision
from catalog.table_rows import tally_of
from tests.catalog.deciding import say, seen

ONE, OTHER = "1" * 64, "2" * 64
WRITTEN = (
    *(tables.label, tables.label_batch, tables.label_event, tables.label_state, tables.label_merge),
    *(tables.index_change, tables.audit_event),
)
Write = Callable[..., Any]


def all_of(ledger: Ledger) -> list[str]:
    """What the tables hold that a change of labels writes to."""
    with ledger.read() as connection:
        return [tally_of(connection, table).sha256 for table in WRITTEN]


@pytest.fixture
def plane(any_ledger: Ledger, images: list[int]) -> int:
    """A label that two images are, by a batch that was undone and one that was not."""
    made = ensure_label(any_ledger, "plane").id
    ensure_label(any_ledger, "glider")
    undone = say(any_ledger, "before", (images[0], made, "yes"), (images[1], made, "yes"))
    undo(any_ledger, undone.batch_id, author="wei", key="before, undone")
    say(any_ledger, "stands", (images[2], made, "yes"), (images[3], made, "yes"))
    return made


def decides(ledger: Ledger, images: list[int], plane: int, **how: Any) -> Any:
    return record(ledger, author="wei", decisions=[Decision(images[4], plane, "yes")], **how)


def reviews(ledger: Ledger, images: list[int], plane: int, **how: Any) -> Any:
    return record_review(ledger, author="wei", label_id=plane, kept=images[2:3], removed=images[3:4], **how)


def merges(ledger: Ledger, _: list[int], plane: int, **how: Any) -> Any:
    return merge_label(ledger, plane, into=ensure_label(ledger, "glider").id, author="wei", **how)


def undoes(ledger: Ledger, *_: Any, **how: Any) -> Any:
    return undo(ledger, number_of(ledger, "stands"), author="wei", **how)


def redoes(ledger: Ledger, *_: Any, **how: Any) -> Any:
    return redo(ledger, number_of(ledger, "before"), author="wei", **how)


def number_of(ledger: Ledger, key: str) -> int:
    found = batch_of_key(ledger, key)
    assert found is not None
    return found


every_write = pytest.mark.parametrize("write", [decides, reviews, merges, undoes, redoes])


@every_write
def test_the_same_request_again_is_a_repetition(
    any_ledger: Ledger, images: list[int], plane: int, write: Write
) -> None:
    first = write(any_ledger, images, plane, key="k", request_sha256=ONE)
    written = all_of(any_ledger)
    again = write(any_ledger, images, plane, key="k", request_sha256=ONE)
    assert (first.repeated, again.repeated, again.batch_id) == (False, True, first.batch_id)
    assert batch_of_key(any_ledger, "k", request_sha256=ONE) == first.batch_id
    assert all_of(any_ledger) == written


@every_write
def test_another_request_with_the_key_is_refused_and_writes_nothing(
    any_ledger: Ledger, images: list[int], plane: int, write: Write
) -> None:
    first = record(
        any_ledger, key="k", author="li", decisions=[Decision(images[9], plane, "no")], request_sha256=ONE
    ).batch_id
    written = all_of(any_ledger)
    with pytest.raises(KeyTaken, match=f"batch {first} .* nothing was written") as refused:
        write(any_ledger, images, plane, key="k", request_sha256=OTHER)
    assert refused.value.batch_id == first
    with pytest.raises(KeyTaken):
        batch_of_key(any_ledger, "k", request_sha256=OTHER)
    assert all_of(any_ledger) == written
    own = write(any_ledger, images, plane, key="its own", request_sha256=OTHER)
    assert not own.repeated
    assert all_of(any_ledger) != written


@every_write
@pytest.mark.parametrize(("then", "now"), [(None, ONE), (ONE, None), (None, None)])
def test_without_a_hash_of_either_the_key_alone_counts(
    any_ledger: Ledger, images: list[int], plane: int, write: Write, then: str | None, now: str | None
) -> None:
    first = write(any_ledger, images, plane, key="k", request_sha256=then)
    written = all_of(any_ledger)
    again = write(any_ledger, images, plane, key="k", request_sha256=now)
    assert (again.repeated, again.batch_id) == (True, first.batch_id)
    assert all_of(any_ledger) == written


def test_a_merged_label_is_no_other_request(any_ledger: Ledger, images: list[int], plane: int) -> None:
    first = decides(any_ledger, images, plane, key="k", request_sha256=ONE)
    merges(any_ledger, images, plane, key="m", request_sha256=OTHER)
    again = decides(any_ledger, images, plane, key="k", request_sha256=ONE)
    assert (again.repeated, again.batch_id, again.applied) == (True, first.batch_id, 1)


def test_the_redo_of_a_merge_is_repeated_and_refused_like_any_other(
    any_ledger: Ledger, images: list[int], plane: int
) -> None:
    batch = merges(any_ledger, images, plane, key="m", request_sha256=ONE).batch_id
    undo(any_ledger, batch, author="wei", key="u", request_sha256=ONE)
    first = redo(any_ledger, batch, author="wei", key="r", request_sha256=ONE)
    written = all_of(any_ledger)
    assert redo(any_ledger, batch, author="wei", key="r", request_sha256=ONE).batch_id == first.batch_id
    for taken in ("m", "u", "r"):
        with pytest.raises(KeyTaken):
            redo(any_ledger, batch, author="wei", key=taken, request_sha256=OTHER)
    assert all_of(any_ledger) == written


def test_of_two_requests_at_once_with_one_key_one_is_written_and_one_told(
    any_ledger: Ledger, images: list[int], plane: int
) -> None:
    def say_of(number: int) -> int | None:
        made = [Decision(images[number], plane, "no")]
        try:
            return record(any_ledger, key="k", author="wei", decisions=made, request_sha256=f"{number}" * 64).batch_id
        except KeyTaken as refused:
            return -refused.batch_id

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(say_of, range(4, 8)))
    batch = number_of(any_ledger, "k")
    assert sorted(told, key=str) == sorted([batch, -batch, -batch, -batch], key=str)
    winner = told.index(batch) + 4
    assert [bool(seen(any_ledger, images[number])) for number in range(4, 8)] == [n == winner for n in range(4, 8)]


def test_what_a_ledger_of_the_revision_before_holds_fits_any_request(ledger_url: str) -> None:
    older = Ledger.open(ledger_url, revision="0008")
    with older.write() as connection:
        assert revision(connection) == "0008"
        connection.execute(
            text(
                "INSERT INTO label_batch (id, key, kind, author, size, at)"
                " VALUES (7, 'of before', 'decide', 'wei', 0, 1.0)"
            )
        )
    older.close()
    newer = Ledger.open(ledger_url)
    for sent in (ONE, OTHER, None):
        assert batch_of_key(newer, "of before", request_sha256=sent) == 7
        done = record(newer, key="of before", author="li", decisions=[], request_sha256=sent)
        assert (done.batch_id, done.repeated) == (7, True)
    newer.close()
