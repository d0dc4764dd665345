"""An undo restores exactly what was, and spares what came after."""

from __future__ import annotations

import pytest

from catalog.errors import UnknownBatch
from catalog.label_groups import change_group, list_groups
from catalog.labels import (
    BatchResult,
    batches,
    ensure_label,
    undo,
)
from catalog.ledger import Ledger
from tests.catalog.deciding import say, seen
from tests.catalog.stand_in import image_of, ingest, with_source


def test_undo_restores_what_was_and_spares_what_came_after(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    say(any_ledger, "folder", (images[0], plane.id, "yes"), origin="folder")
    batch = say(any_ledger, "1", *((image, plane.id, "no") for image in images[:3])).batch_id
    say(any_ledger, "2", (images[2], plane.id, "yes"))
    result = undo(any_ledger, batch, author="li", key="u1")
    assert (result.applied, result.unchanged, result.repeated) == (2, 1, False)
    assert seen(any_ledger, images[0]) == {"plane": ("yes", "folder")}
    assert seen(any_ledger, images[1]) == {}
    assert seen(any_ledger, images[2]) == {"plane": ("yes", "person")}
    again = undo(any_ledger, batch, author="li", key="u1")
    assert again == BatchResult(result.batch_id, 2, 1, 2, repeated=True)
    assert undo(any_ledger, batch, author="li", key="u2").applied == 0
    assert undo(any_ledger, result.batch_id, author="li", key="redo").applied == 2
    assert seen(any_ledger, images[0]) == {"plane": ("no", "person")}
    listed = batches(any_ledger, 10)
    assert [one.kind for one in listed[:2]] == ["redo", "undo"]
    assert next(one for one in listed if one.id == batch).undone_by is not None
    assert [(part.label, part.decision, part.images) for part in listed[-2].parts] == [("plane", "no", 3)]
    with pytest.raises(UnknownBatch, match="99"):
        undo(any_ledger, 99, author="li", key="u3")


def test_batches_about_the_same_images_are_undone_one_after_the_other(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    made = [
        say(any_ledger, str(number), *((image, plane.id, what) for image in images)).batch_id
        for number, what in enumerate(("yes", "no", "yes"))
    ]
    assert undo(any_ledger, made[0], author="wei", key="early").applied == 0
    undone = []
    for number, wanted in ((2, "no"), (1, "yes"), (0, None)):
        result = undo(any_ledger, made[number], author="wei", key=f"u{number}")
        undone.append(result.batch_id)
        assert result.applied == 12
        assert seen(any_ledger, images[0]) == ({"plane": (wanted, "person")} if wanted else {})
    assert undo(any_ledger, undone[0], author="wei", key="too early").applied == 0
    assert undo(any_ledger, undone[2], author="wei", key="redo").applied == 12
    assert seen(any_ledger, images[0]) == {"plane": ("yes", "person")}
    assert undo(any_ledger, made[0], author="wei", key="again").applied == 12
    assert seen(any_ledger, images[0]) == {}


def test_after_an_undo_a_folder_may_speak_again_but_not_against_an_open_decision(
    any_ledger: Ledger, images: list[int]
) -> None:
    plane = ensure_label(any_ledger, "plane")
    batch = say(any_ledger, "1", (images[0], plane.id, "yes")).batch_id
    undo(any_ledger, batch, author="wei", key="u")
    assert say(any_ledger, "f", (images[0], plane.id, "yes"), origin="folder").applied == 1
    say(any_ledger, "2", (images[0], plane.id, "unknown"))
    later = say(any_ledger, "3", (images[0], plane.id, "no")).batch_id
    undo(any_ledger, later, author="wei", key="u2")
    assert seen(any_ledger, images[0]) == {}
    assert say(any_ledger, "f2", (images[0], plane.id, "yes"), origin="folder").applied == 0


def test_an_undo_never_leaves_two_yes_in_an_exclusive_group(any_ledger: Ledger, images: list[int]) -> None:
    plane, car, ship = (ensure_label(any_ledger, name, group="vehicle") for name in ("plane", "car", "ship"))
    say(any_ledger, "1", (images[0], plane.id, "yes"))
    swap = say(any_ledger, "2", (images[0], car.id, "yes")).batch_id
    say(any_ledger, "3", (images[0], ship.id, "yes"))
    undo(any_ledger, swap, author="wei", key="u")
    yes = [name for name, (state, _) in seen(any_ledger, images[0]).items() if state == "yes"]
    assert yes == ["ship"]


def test_a_folder_does_not_say_again_what_was_taken_back(any_ledger: Ledger) -> None:
    source, folder = with_source(any_ledger, labels=True), {b"plane/a": "A", b"plane/b": "B"}
    ingest(any_ledger, source, folder)
    a = image_of(any_ledger, "A")
    said = batches(any_ledger, 1)[0]
    assert said.kind == "folder"
    undone = undo(any_ledger, said.id, author="wei", key="u").batch_id
    ingest(any_ledger, source, folder)
    assert seen(any_ledger, a) == {}
    redone = undo(any_ledger, undone, author="wei", key="r").batch_id
    assert seen(any_ledger, a) == {"plane": ("yes", "folder")}
    undo(any_ledger, redone, author="wei", key="u2")
    ingest(any_ledger, source, folder)
    assert seen(any_ledger, a) == {}


def test_a_folder_that_spoke_after_an_undo_can_be_taken_back_too(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"plane/a": "A"})
    a, plane = image_of(any_ledger, "A"), ensure_label(any_ledger, "plane")
    undo(any_ledger, say(any_ledger, "1", (a, plane.id, "no")).batch_id, author="wei", key="u")
    with_source(any_ledger, labels=True)
    ingest(any_ledger, source, {b"plane/a": "A"})
    assert seen(any_ledger, a) == {"plane": ("yes", "folder")}
    undo(any_ledger, batches(any_ledger, 1)[0].id, author="wei", key="u2")
    ingest(any_ledger, source, {b"plane/a": "A"})
    assert seen(any_ledger, a) == {}


def test_of_two_that_came_to_exclude_each_other_the_later_comes_back(any_ledger: Ledger, images: list[int]) -> None:
    one, two = (ensure_label(any_ledger, name, group="kind", exclusive=False) for name in ("one", "two"))
    say(any_ledger, "1", (images[0], one.id, "yes"), (images[0], two.id, "yes"))
    batch = say(any_ledger, "2", (images[0], one.id, "no"), (images[0], two.id, "no")).batch_id
    change_group(any_ledger, list_groups(any_ledger)[0].id, exclusive=True)
    assert undo(any_ledger, batch, author="wei", key="u").applied == 1
    assert seen(any_ledger, images[0]) == {"one": ("no", "person"), "two": ("yes", "person")}
