"""Labels are weeks of people's work: written once, never overwritten by a machine, and taken back exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from catalog import tables
from catalog.errors import InvalidKey, InvalidLabel, UnknownImage, UnknownLabel
from catalog.images import count_images, delete_images
from catalog.index_queue import pending_changes
from catalog.label_names import colour_of, folder_label
from catalog.labels import (
    BatchResult,
    batches,
    ensure_label,
    labelled_images,
    list_labels,
    rename_label,
    undo,
)
from catalog.ledger import Ledger
from tests.catalog.deciding import CONTENTS, count, say, seen
from tests.catalog.stand_in import image_of, ingest, with_source


def test_a_name_is_normalised_and_checked(any_ledger: Ledger) -> None:
    label = ensure_label(any_ledger, "  cafe\u0301 ")
    assert label.name == "caf\u00e9"
    assert ensure_label(any_ledger, "caf\u00e9") == label
    ensure_label(any_ledger, "x" * 100)
    for wrong in ("", "   ", "x" * 101, "two\nlines", "nul\x00", "\udce9", "abc\u202egpj"):
        with pytest.raises(InvalidLabel):
            ensure_label(any_ledger, wrong)
    assert rename_label(any_ledger, label.id, "coffee").name == "coffee"
    with pytest.raises(InvalidLabel, match="already"):
        rename_label(any_ledger, label.id, "x" * 100)
    with pytest.raises(UnknownLabel):
        rename_label(any_ledger, 99, "z")


def test_every_label_has_a_colour_of_its_own() -> None:
    colours = [colour_of(number) for number in range(200)]
    assert len(set(colours)) == 200
    assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in colours)


@given(st.binary(max_size=300))
def test_whatever_a_folder_is_called_its_label_is_valid(path: bytes) -> None:
    from catalog.label_names import valid_name

    name = folder_label(path)
    if name is not None:
        assert valid_name(name) == name


def test_decisions_add_up_to_a_state(any_ledger: Ledger, images: list[int]) -> None:
    plane, bird = ensure_label(any_ledger, "plane"), ensure_label(any_ledger, "bird")
    result = say(any_ledger, "1", (images[0], plane.id, "yes"), (images[1], plane.id, "no"), (images[0], bird.id, "no"))
    assert (result.applied, result.unchanged, result.repeated) == (3, 0, False)
    assert seen(any_ledger, images[0]) == {"bird": ("no", "person"), "plane": ("yes", "person")}
    assert [(row.label.name, row.yes, row.no) for row in list_labels(any_ledger)] == [("bird", 0, 1), ("plane", 1, 1)]
    counts = count_images(any_ledger)
    assert (counts.images, counts.labelled, counts.unlabelled) == (12, 1, 11)
    assert {change.image_id for change in pending_changes(any_ledger, 10)} == set(images[:2])
    result = say(any_ledger, "2", (images[0], plane.id, "yes"), (images[1], plane.id, "unknown"))
    assert (result.applied, result.unchanged) == (1, 1)
    assert seen(any_ledger, images[1]) == {}
    delete_images(any_ledger, [images[0]])
    assert [(row.yes, row.no) for row in list_labels(any_ledger)] == [(0, 0), (0, 0)]
    assert count_images(any_ledger).labelled == 0


def test_the_same_key_counts_once(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    first = say(any_ledger, "k", (images[0], plane.id, "yes"))
    events, changes = count(any_ledger, "label_event"), count(any_ledger, "index_change")
    again = say(any_ledger, "k", (images[0], plane.id, "yes"))
    assert again == BatchResult(first.batch_id, 1, 0, 1, repeated=True)
    other = say(any_ledger, "k", (images[1], plane.id, "no"))
    assert (other.applied, other.repeated) == (0, True)
    assert (count(any_ledger, "label_event"), count(any_ledger, "index_change")) == (events, changes)
    for key in ("", "x" * 65):
        with pytest.raises(InvalidKey):
            say(any_ledger, key, (images[0], plane.id, "yes"))


def test_a_confirm_that_is_sent_many_times_at_once_counts_once(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    with ThreadPoolExecutor(8) as pool:
        results = list(
            pool.map(lambda _: say(any_ledger, "k", *((image, plane.id, "yes") for image in images)), range(8))
        )
    assert sorted(result.repeated for result in results) == [False] + [True] * 7
    assert {result.applied for result in results} == {12}
    assert count(any_ledger, "label_event") == 12


def test_one_unknown_id_and_nothing_is_written(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    with pytest.raises(UnknownImage, match="4711"):
        say(any_ledger, "1", (images[0], plane.id, "yes"), (4711, plane.id, "yes"))
    with pytest.raises(UnknownLabel, match="77"):
        say(any_ledger, "1", (images[0], plane.id, "yes"), (images[0], 77, "yes"))
    assert count(any_ledger, "label_event") == count(any_ledger, "label_batch") == 0
    assert not say(any_ledger, "1", (images[0], plane.id, "yes")).repeated, "the key is free"


def test_the_last_of_two_decisions_on_one_pair_counts(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    result = say(any_ledger, "1", (images[0], plane.id, "yes"), (images[0], plane.id, "no"))
    assert (result.applied, result.unchanged) == (1, 0)
    assert seen(any_ledger, images[0]) == {"plane": ("no", "person")}


@pytest.mark.parametrize("origin", ["folder", "import"])
@pytest.mark.parametrize("person", ["yes", "no", "unknown"])
def test_a_person_is_never_overruled(ledger: Ledger, origin: str, person: str) -> None:
    source = with_source(ledger, labels=True)
    folder = {b"plane/a": "A"}
    ingest(ledger, source, folder)
    a = image_of(ledger, "A")
    plane = ensure_label(ledger, "plane")
    assert seen(ledger, a) == {"plane": ("yes", "folder")}
    say(ledger, "1", (a, plane.id, person))
    wanted = {} if person == "unknown" else {"plane": (person, "person")}
    assert seen(ledger, a) == wanted
    for number, what in enumerate(("yes", "no", "unknown")):
        assert say(ledger, f"m{number}", (a, plane.id, what), origin=origin).applied == 0
    ingest(ledger, source, folder)
    ingest(ledger, source, {b"plane/moved": "A"})
    delete_images(ledger, [a])
    ingest(ledger, source, folder)
    assert seen(ledger, a) == wanted


def test_an_import_beats_a_folder_and_a_folder_only_speaks_first(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    assert say(any_ledger, "1", (images[0], plane.id, "yes"), origin="folder").applied == 1
    assert say(any_ledger, "2", (images[0], plane.id, "no"), origin="folder").applied == 0
    assert say(any_ledger, "3", (images[0], plane.id, "no"), origin="import").applied == 1
    assert seen(any_ledger, images[0]) == {"plane": ("no", "import")}
    assert say(any_ledger, "4", (images[0], plane.id, "no")).applied == 1, "now a person says so"
    assert seen(any_ledger, images[0]) == {"plane": ("no", "person")}


def test_in_an_exclusive_group_a_yes_ends_the_other(any_ledger: Ledger, images: list[int]) -> None:
    plane, car = (ensure_label(any_ledger, name, group="vehicle") for name in ("plane", "car"))
    red, loud = (ensure_label(any_ledger, name, group="looks", exclusive=False) for name in ("red", "loud"))
    assert (plane.group, red.group) == ("vehicle", "looks")
    say(any_ledger, "1", (images[0], plane.id, "yes"), (images[0], red.id, "yes"))
    result = say(any_ledger, "2", (images[0], car.id, "yes"), (images[0], loud.id, "yes"))
    assert result.applied == 2
    assert {name: state for name, (state, _) in seen(any_ledger, images[0]).items()} == {
        "plane": "no",
        "car": "yes",
        "red": "yes",
        "loud": "yes",
    }
    assert batches(any_ledger, 1)[0].size == 3, "the no is an event of the same batch"
    undo(any_ledger, result.batch_id, author="wei", key="u")
    assert {name: state for name, (state, _) in seen(any_ledger, images[0]).items()} == {"plane": "yes", "red": "yes"}


def test_a_machine_does_not_end_a_persons_choice_through_a_group(any_ledger: Ledger, images: list[int]) -> None:
    plane, car = (ensure_label(any_ledger, name, group="vehicle") for name in ("plane", "car"))
    say(any_ledger, "1", (images[0], plane.id, "yes"))
    for origin in ("folder", "import"):
        assert say(any_ledger, origin, (images[0], car.id, "yes"), origin=origin).applied == 0
    assert seen(any_ledger, images[0]) == {"plane": ("yes", "person")}


step = st.tuples(
    st.sampled_from(["person", "import", "folder"]),
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from(["yes", "no", "unknown"])),
        min_size=1,
        max_size=5,
    ),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(step, min_size=1, max_size=6), back=st.integers(0, 5))
def test_state_is_what_the_events_add_up_to(ledger: Ledger, steps: list[Any], back: int) -> None:
    names = ["red", "plane", "car", "ship"]
    labels = [ensure_label(ledger, name, group="vehicle" if number else None) for number, name in enumerate(names)]
    if count(ledger, "image") == 0:
        ingest(ledger, with_source(ledger), {b"%d" % number: CONTENTS[number] for number in range(3)})
    ids = [image_of(ledger, CONTENTS[number]) for number in range(3)]
    with ledger.write() as connection:
        for table in ("label_state", "label_event", "label_batch"):
            connection.execute(tables.metadata.tables[table].delete())
    made = []
    for number, (origin, decisions) in enumerate(steps):
        before = [seen(ledger, image) for image in ids]
        said = [(ids[image], labels[label].id, what) for image, label, what in decisions]
        made.append(say(ledger, str(number), *said, origin=origin).batch_id)
        if origin != "person":
            for image, old in zip(ids, before, strict=True):
                kept = {name: state for name, state in old.items() if state[1] == "person"}
                assert kept.items() <= seen(ledger, image).items()
    after = [seen(ledger, image) for image in ids]
    taken_back = undo(ledger, made[back % len(made)], author="wei", key="undo")
    if taken_back.applied:
        undo(ledger, taken_back.batch_id, author="wei", key="redo")
        assert [seen(ledger, image) for image in ids] == after, "an undo and its redo change nothing"
    with ledger.read() as connection:
        event = tables.label_event.c
        last = select(func.max(event.id)).group_by(event.image_id, event.label_id)
        latest = connection.execute(select(tables.label_event).where(event.id.in_(last))).all()
        wanted = {(row.image_id, row.label_id, row.decision, row.origin) for row in latest if row.decision != "unknown"}
        state = tables.label_state.c
        query = select(state.image_id, state.label_id, state.state, state.origin)
        assert {tuple(row) for row in connection.execute(query)} == wanted
    for image in ids:
        assert sum(seen(ledger, image).get(name, ("no",))[0] == "yes" for name in names[1:]) <= 1


def test_people_who_label_at_once_leave_a_history_that_adds_up(any_ledger: Ledger, images: list[int]) -> None:
    vehicles = [ensure_label(any_ledger, name, group="vehicle") for name in ("plane", "car", "ship")]

    def person(number: int) -> None:
        for turn in range(4):
            label = vehicles[(number + turn) % 3].id
            order = images if number % 2 else images[::-1]
            say(any_ledger, f"{number}-{turn}", *((image, label, "yes") for image in order))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(person, range(6)))
    for image in images:
        assert [state for state, _ in seen(any_ledger, image).values()].count("yes") == 1
    with any_ledger.read() as connection:
        events = connection.execute(select(tables.label_event).order_by(tables.label_event.c.id)).all()
    last: dict[tuple[int, int], str] = {}
    for event in events:
        pair = (event.image_id, event.label_id)
        assert event.previous == last.get(pair, "unknown")
        last[pair] = event.decision


def test_labelled_images_are_the_latest_of_each_label(any_ledger: Ledger, images: list[int]) -> None:
    plane, bird = ensure_label(any_ledger, "plane"), ensure_label(any_ledger, "bird")
    for number, image in enumerate(images[:5]):
        say(any_ledger, f"p{number}", (image, plane.id, "yes"))
    say(any_ledger, "b", (images[5], bird.id, "yes"), (images[6], bird.id, "no"))
    delete_images(any_ledger, [images[4]])
    assert sorted(labelled_images(any_ledger, limit_per_label=2)) == sorted(
        [(images[2], plane.id), (images[3], plane.id), (images[5], bird.id)]
    )


def test_a_label_does_not_move_into_an_exclusive_group_against_what_was_decided(
    any_ledger: Ledger, images: list[int]
) -> None:
    plane = ensure_label(any_ledger, "plane", group="vehicle")
    car = ensure_label(any_ledger, "car")
    say(any_ledger, "1", *((image, label.id, "yes") for image in images[:3] for label in (plane, car)))
    delete_images(any_ledger, images[2:3])
    with pytest.raises(InvalidLabel, match="2 images are car and another label of the group vehicle"):
        ensure_label(any_ledger, "car", group="vehicle")
    assert ensure_label(any_ledger, "car").group is None
    assert ensure_label(any_ledger, "plane", group="vehicle").group == "vehicle"
    assert ensure_label(any_ledger, "car", group="things", exclusive=False).group == "things"
    say(any_ledger, "2", *((image, plane.id, "no") for image in images[:2]))
    assert ensure_label(any_ledger, "car", group="vehicle").group == "vehicle"
