"""Labels change their name, colour and group, groups change too, and an undone batch is done again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog.errors import CatalogError, InvalidLabel, NotUndone, UnknownBatch, UnknownGroup, UnknownLabel
from catalog.label_groups import change_group, delete_group, list_groups
from catalog.labels import batches, change_label, ensure_label, list_labels, merge_label, redo, undo
from catalog.ledger import Ledger
from tests.catalog.deciding import say, seen


def test_undo_and_redo_alternate_for_ever(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    batch = say(any_ledger, "1", *((image, plane.id, "yes") for image in images[:3])).batch_id
    with pytest.raises(NotUndone, match=f"Batch {batch}"):
        redo(any_ledger, batch, author="wei", key="early")
    for turn in range(3):
        undone = undo(any_ledger, batch if turn % 2 else batches(any_ledger, 1)[0].id, author="wei", key=f"u{turn}")
        assert undone.applied == 3
        assert next(one.undone_by for one in batches(any_ledger, 20) if one.id == batch) is not None
        again = redo(any_ledger, batch, author="wei", key=f"r{turn}")
        assert again.applied == 3
        assert redo(any_ledger, batch, author="wei", key=f"r{turn}").repeated
        assert seen(any_ledger, images[0]) == {"plane": ("yes", "person")}
        assert next(one.undone_by for one in batches(any_ledger, 20) if one.id == batch) is None
    say(any_ledger, "2", (images[0], plane.id, "no"))
    undo(any_ledger, batch, author="wei", key="u")
    say(any_ledger, "3", (images[1], plane.id, "no"))
    late = redo(any_ledger, batch, author="wei", key="r")
    assert (late.applied, late.unchanged) == (1, 1), "what was decided since the undo stays"
    with pytest.raises(UnknownBatch):
        redo(any_ledger, 4711, author="wei", key="x")


def test_a_label_changes_its_colour_and_group(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    changed = change_label(any_ledger, plane.id, name="aircraft", colour="#12ABef", group="vehicle")
    assert (changed.name, changed.colour, changed.group) == ("aircraft", "#12abef", "vehicle")
    assert change_label(any_ledger, plane.id) == changed
    car = ensure_label(any_ledger, "car")
    say(any_ledger, "1", *((image, label.id, "yes") for image in images[:2] for label in (plane, car)))
    with pytest.raises(InvalidLabel, match="2 images are car and another label of the group vehicle"):
        change_label(any_ledger, car.id, name="motor car", group="vehicle")
    assert {row.label.name for row in list_labels(any_ledger)} == {"aircraft", "car"}, "all of it or nothing"
    assert change_label(any_ledger, plane.id, group=False).group is None
    assert change_label(any_ledger, car.id, group="vehicle").group == "vehicle"
    for colour in ("red", "#12345", "#12345g", "", "#123456\n#"):
        with pytest.raises(InvalidLabel, match="#rrggbb"):
            change_label(any_ledger, car.id, colour=colour)
    with pytest.raises(InvalidLabel, match="already"):
        change_label(any_ledger, car.id, name="aircraft")
    with pytest.raises(UnknownLabel):
        change_label(any_ledger, 4711, colour="#000000")


def test_a_group_becomes_exclusive_only_where_that_is_so(any_ledger: Ledger, images: list[int]) -> None:
    plane, car = (ensure_label(any_ledger, name, group="vehicle", exclusive=False) for name in ("plane", "car"))
    group = list_groups(any_ledger)[0]
    assert (group.name, group.exclusive, group.labels) == ("vehicle", False, ("car", "plane"))
    say(any_ledger, "1", *((image, label.id, "yes") for image in images[:2] for label in (plane, car)))
    with pytest.raises(InvalidLabel, match="2 images are two labels of the group vehicle"):
        change_group(any_ledger, group.id, exclusive=True)
    assert not list_groups(any_ledger)[0].exclusive
    say(any_ledger, "2", *((image, car.id, "no") for image in images[:2]))
    assert change_group(any_ledger, group.id, name="vehicles", exclusive=True).exclusive
    say(any_ledger, "3", (images[0], car.id, "yes"))
    assert {name: state for name, (state, _) in seen(any_ledger, images[0]).items()} == {"car": "yes", "plane": "no"}
    ensure_label(any_ledger, "red", group="looks")
    with pytest.raises(InvalidLabel, match="already"):
        change_group(any_ledger, group.id, name="looks")
    delete_group(any_ledger, group.id)
    assert [(one.name, one.labels) for one in list_groups(any_ledger)] == [("looks", ("red",))]
    assert {row.label.group for row in list_labels(any_ledger)} == {None, "looks"}
    for call in (lambda: delete_group(any_ledger, 4711), lambda: change_group(any_ledger, 4711, name="x")):
        with pytest.raises(UnknownGroup):
            call()


def test_decisions_and_changes_at_once_never_leave_two_yes_or_a_lost_one(any_ledger: Ledger, images: list[int]) -> None:
    plane, car, old = (ensure_label(any_ledger, name) for name in ("plane", "car", "aeroplane"))

    def person(number: int) -> None:
        label = (plane, car, old)[number % 3]
        for turn, image in enumerate(images):
            say(any_ledger, f"{number}-{turn}", (image, label.id, "yes" if turn % 3 == number % 3 else "no"))

    def keeper(number: int) -> None:
        for turn in range(3):
            try:
                if number:
                    change_label(any_ledger, (plane, car)[turn % 2].id, group="vehicle")
                else:
                    merge_label(any_ledger, old.id, into=plane.id, author="wei", key=f"m{turn}")
            except CatalogError:
                continue  # refused, or in each other's way: nothing was written

    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(person, number) for number in range(3)] + [
            pool.submit(keeper, number) for number in range(2)
        ]:
            done.result()
    groups = {row.label.name: row.label.group for row in list_labels(any_ledger)}
    for image in images:
        states = seen(any_ledger, image)
        yes = [name for name, (state, _) in states.items() if state == "yes" and groups.get(name) == "vehicle"]
        assert len(yes) <= 1
        assert set(states) <= set(groups), "no decision lies under a label that nobody sees"
