"""What a review writes: a no for what is taken out, a person's own yes for what stays, nothing against anybody."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from catalog import tables
from catalog.errors import InvalidKey, UnknownImage, UnknownLabel
from catalog.images import delete_images
from catalog.label_overlap import overlaps, rejected_images
from catalog.label_review import images_of_label, newest_event, record_review
from catalog.labels import batches, ensure_label, merge_label, undo
from catalog.ledger import Ledger
from tests.catalog.deciding import count, say, seen


def listed(ledger: Ledger, label: int) -> dict[int, bool]:
    found = images_of_label(ledger, label)
    return dict(zip(found.ids.tolist(), found.reviewed.tolist(), strict=True))


def test_what_a_folder_said_becomes_a_persons_own(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "f", *((one, plane, "yes") for one in images[:4]), origin="folder")
    assert listed(any_ledger, plane) == dict.fromkeys(images[:4], False)
    done = record_review(any_ledger, key="r", author="wei", label_id=plane, kept=images[:3], removed=images[3:4])
    assert (done.kept, done.removed, done.passed_over, done.repeated) == (3, 1, 0, False)
    assert seen(any_ledger, images[0]) == {"plane": ("yes", "person")}
    assert seen(any_ledger, images[3]) == {"plane": ("no", "person")}
    assert listed(any_ledger, plane) == dict.fromkeys(images[:3], True)
    batch = batches(any_ledger, limit=1)[0]
    assert (batch.kind, batch.size) == ("review", 4)


def test_an_undo_puts_back_who_had_said_it(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "f", (images[0], plane, "yes"), origin="folder")
    say(any_ledger, "p", (images[1], plane, "yes"), (images[2], plane, "yes"))
    done = record_review(any_ledger, key="r", author="wei", label_id=plane, kept=images[:2], removed=images[2:3])
    back = undo(any_ledger, done.batch_id, author="wei", key="u")
    assert back.applied == 3
    assert [seen(any_ledger, one)["plane"] for one in images[:3]] == [("yes", "folder"), *[("yes", "person")] * 2]
    assert listed(any_ledger, plane) == dict.fromkeys(images[:3], False)


def test_the_index_hears_only_of_what_changed_for_it(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "p", *((one, plane, "yes") for one in images[:3]))
    before = count(any_ledger, "index_change")
    record_review(any_ledger, key="r", author="wei", label_id=plane, kept=images[:2], removed=images[2:3])
    assert count(any_ledger, "index_change") == before + 1


def test_what_somebody_took_out_meanwhile_stays_out(any_ledger: Ledger, images: list[int]) -> None:
    """Two people look at the same page: one takes an image out, the other leaves it in."""
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "p", *((one, plane, "yes") for one in images[:3]))
    record_review(any_ledger, key="one", author="wei", label_id=plane, kept=images[1:3], removed=images[:1])
    say(any_ledger, "open", (images[1], plane, "unknown"))
    done = record_review(any_ledger, key="two", author="ada", label_id=plane, kept=images[:2], removed=images[2:3])
    assert (done.kept, done.removed, done.passed_over) == (0, 1, 2)
    assert listed(any_ledger, plane) == {}
    assert seen(any_ledger, images[0]) == {"plane": ("no", "person")}
    assert seen(any_ledger, images[1]) == {}


def test_a_repeated_key_writes_nothing(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "p", *((one, plane, "yes") for one in images[:3]))

    def look() -> tuple[int, int, int, bool]:
        done = record_review(any_ledger, key="r", author="wei", label_id=plane, kept=images[:2], removed=images[2:4])
        return done.kept, done.removed, done.passed_over, done.repeated

    assert look() == (2, 2, 0, False)
    events = count(any_ledger, "label_event")
    assert look() == (2, 2, 0, True)
    assert count(any_ledger, "label_event") == events


def test_an_older_decision_is_no_longer_undone_once_it_was_looked_at(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    bulk = say(any_ledger, "p", *((one, plane, "yes") for one in images[:2])).batch_id
    record_review(any_ledger, key="r", author="wei", label_id=plane, kept=images[:1], removed=[])
    undo(any_ledger, bulk, author="wei", key="u")
    assert listed(any_ledger, plane) == {images[0]: True}


def test_who_decides_anew_asks_for_another_look(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "p", (images[0], plane, "yes"))
    record_review(any_ledger, key="r", author="wei", label_id=plane, kept=images[:1], removed=[])
    say(any_ledger, "no", (images[0], plane, "no"))
    say(any_ledger, "yes", (images[0], plane, "yes"))
    assert listed(any_ledger, plane) == {images[0]: False}


def test_bad_input_is_refused_and_writes_nothing(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane").id
    say(any_ledger, "p", (images[0], plane, "yes"))
    events = count(any_ledger, "label_event")
    with pytest.raises(UnknownImage):
        record_review(any_ledger, key="a", author="w", label_id=plane, kept=[images[0], 10**9], removed=[])
    with pytest.raises(UnknownLabel):
        record_review(any_ledger, key="b", author="w", label_id=987, kept=images[:1], removed=[])
    with pytest.raises(InvalidKey):
        record_review(any_ledger, key="", author="w", label_id=plane, kept=images[:1], removed=[])
    with pytest.raises(UnknownLabel):
        images_of_label(any_ledger, 987)
    assert count(any_ledger, "label_event") == events
    assert count(any_ledger, "label_batch") == 1


def test_deleted_and_merged(any_ledger: Ledger, images: list[int]) -> None:
    plane, jet = ensure_label(any_ledger, "plane").id, ensure_label(any_ledger, "jet").id
    say(any_ledger, "p", *((one, plane, "yes") for one in images[:2]), (images[2], jet, "yes"))
    delete_images(any_ledger, images[:1])
    assert listed(any_ledger, plane) == {images[1]: False}
    merge_label(any_ledger, jet, into=plane, author="wei", key="m")
    assert images_of_label(any_ledger, jet).label_id == plane
    record_review(any_ledger, key="r", author="wei", label_id=jet, kept=images[1:3], removed=[])
    assert listed(any_ledger, plane) == {images[1]: True, images[2]: True}


def test_overlaps_and_the_rejected(any_ledger: Ledger, images: list[int]) -> None:
    plane, jet, ship = (ensure_label(any_ledger, name).id for name in ("plane", "jet", "ship"))
    assert newest_event(any_ledger) == 0
    say(any_ledger, "1", *((one, plane, "yes") for one in images[:4]), *((one, jet, "yes") for one in images[2:5]))
    say(any_ledger, "2", (images[6], ship, "yes"), (images[7], plane, "no"), (images[8], plane, "no"))
    assert overlaps(any_ledger, plane) == {jet: (2, 3), ship: (0, 1)}
    assert rejected_images(any_ledger, plane, limit=1) == [images[8]]
    with any_ledger.read() as connection:
        last = connection.execute(select(func.max(tables.label_event.c.id))).scalar_one()
    assert newest_event(any_ledger) == last
