"""Where people disagree is told in both batches, and only where they do."""

from __future__ import annotations

from typing import Any

from catalog.batch_images import batch_images
from catalog.label_conflicts import Disagreement, Others, conflicts, disagreements
from catalog.label_history import authors, batches, one_batch
from catalog.labels import Decision, ensure_label, merge_label, record, redo, undo
from catalog.ledger import Ledger

NOBODY: dict[int, Disagreement] = {}


def say(ledger: Ledger, author: str, *decisions: tuple[int, int, Any], origin: Any = "person") -> int:
    made = [Decision(image, label, what) for image, label, what in decisions]
    key = f"{author} {len(batches(ledger, 1000))}"
    return record(ledger, key=key, author=author, decisions=made, origin=origin).batch_id


def test_a_decision_against_another_persons_is_told_in_both_batches(any_ledger: Ledger, images: list[int]) -> None:
    sky = ensure_label(any_ledger, "sky").id
    anna = say(any_ledger, "anna", *((image, sky, "yes") for image in images[:4]))
    ben = say(any_ledger, "ben", *((image, sky, "no") for image in images[1:3]), (images[3], sky, "yes"))
    cleo = say(any_ledger, "cleo", (images[0], sky, "unknown"), (images[5], sky, "yes"))
    assert disagreements(any_ledger, [anna, ben, cleo]) == {
        anna: Disagreement(by=(Others("ben", 2), Others("cleo", 1))),
        ben: Disagreement(over=(Others("anna", 2),)),
        cleo: Disagreement(over=(Others("anna", 1),)),
    }
    found = conflicts(any_ledger, ben, limit=10)
    assert [(one.image_id, one.first_author, one.first, one.then_author, one.then) for one in found] == [
        (image, "anna", "yes", "ben", "no") for image in images[1:3]
    ]
    assert {one.label for one in conflicts(any_ledger, anna, limit=10)} == {"sky"}
    assert len(conflicts(any_ledger, anna, limit=10)) == 3
    assert len(conflicts(any_ledger, anna, limit=2)) == 2
    assert authors(any_ledger) == ["anna", "ben", "cleo"]
    assert [batch.id for batch in batches(any_ledger, 10, author="ben")] == [ben]


def test_the_next_decision_counts_not_a_later_one(any_ledger: Ledger, images: list[int]) -> None:
    sky = ensure_label(any_ledger, "sky").id
    first = say(any_ledger, "anna", (images[0], sky, "yes"))
    own = say(any_ledger, "anna", (images[0], sky, "no"))
    last = say(any_ledger, "ben", (images[0], sky, "yes"))
    assert disagreements(any_ledger, [first, own, last]) == {
        own: Disagreement(by=(Others("ben", 1),)),
        last: Disagreement(over=(Others("anna", 1),)),
    }


def test_one_person_a_folder_and_a_merge_disagree_with_nobody(any_ledger: Ledger, images: list[int]) -> None:
    old, new = ensure_label(any_ledger, "aeroplane").id, ensure_label(any_ledger, "plane").id
    folder = say(any_ledger, "shell", (images[0], old, "yes"), origin="folder")
    anna = say(any_ledger, "anna", (images[0], old, "no"), (images[1], old, "yes"))
    assert disagreements(any_ledger, [folder, anna]) == NOBODY
    merge = merge_label(any_ledger, old, into=new, author="ben", key="m").batch_id
    back = undo(any_ledger, merge, author="cleo", key="u").batch_id
    again = redo(any_ledger, merge, author="anna", key="r").batch_id
    every = [folder, anna, merge, back, again]
    assert disagreements(any_ledger, every) == NOBODY
    assert [one for batch in every for one in conflicts(any_ledger, batch, limit=10)] == []


def test_an_undo_by_another_person_is_told(any_ledger: Ledger, images: list[int]) -> None:
    sky = ensure_label(any_ledger, "sky").id
    anna = say(any_ledger, "anna", (images[0], sky, "yes"))
    back = undo(any_ledger, anna, author="ben", key="u").batch_id
    assert disagreements(any_ledger, [anna, back]) == {
        anna: Disagreement(by=(Others("ben", 1),)),
        back: Disagreement(over=(Others("anna", 1),)),
    }


def test_a_batch_shows_what_it_decided_about_which_images(any_ledger: Ledger, images: list[int]) -> None:
    sky = ensure_label(any_ledger, "sky").id
    made = say(any_ledger, "anna", (images[0], sky, "yes"), (images[1], sky, "no"))
    assert [one[:2] + one[3:] for one in batch_images(any_ledger, made, limit=5)] == [
        (images[0], "sky", "yes"),
        (images[1], "sky", "no"),
    ]
    assert len(batch_images(any_ledger, made, limit=1)) == 1
    assert one_batch(any_ledger, made).size == 2
