"""A merge moves what was decided, keeps what contradicts, and is taken back exactly."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import tables
from catalog.decided import decided
from catalog.errors import InvalidKey, InvalidLabel, UnknownLabel
from catalog.hunts import count_hunt, create_hunt
from catalog.index_queue import drop_changes, pending_changes
from catalog.label_groups import list_groups
from catalog.labels import (
    Decision,
    batches,
    ensure_label,
    list_labels,
    merge_label,
    plan_merge,
    record,
    redo,
    rename_label,
    undo,
)
from catalog.ledger import Ledger
from catalog.merge import MergePlan
from tests.catalog.deciding import CONTENTS, count, say, seen
from tests.catalog.stand_in import image_of, ingest, with_source


def all_seen(ledger: Ledger, images: list[int]) -> list[Any]:
    return [seen(ledger, image) for image in images]


def names(ledger: Ledger) -> list[str]:
    return [row.label.name for row in list_labels(ledger)]


def test_decisions_go_over_and_one_undo_takes_them_back(any_ledger: Ledger, images: list[int]) -> None:
    old, new = ensure_label(any_ledger, "aeroplane"), ensure_label(any_ledger, "plane")
    say(any_ledger, "f", (images[0], old.id, "yes"), (images[3], old.id, "yes"), origin="folder")
    say(any_ledger, "1", (images[1], old.id, "yes"), (images[2], old.id, "no"), (images[3], new.id, "no"))
    say(any_ledger, "2", (images[4], new.id, "yes"), (images[5], old.id, "yes"), (images[5], new.id, "unknown"))
    before, events = all_seen(any_ledger, images), count(any_ledger, "label_event")
    drop_changes(any_ledger, [change.id for change in pending_changes(any_ledger, 100)])
    plan = plan_merge(any_ledger, old.id, into=new.id)
    assert plan == MergePlan(yes=3, no=1, same=1, contradictions=0, ended=0)
    assert all_seen(any_ledger, images) == before, "a plan changes nothing"
    done = merge_label(any_ledger, old.id, into=new.id, author="wei", key="m")
    assert (done.moved, done.contradictions, done.repeated) == (5, 0, False)
    assert all_seen(any_ledger, images[:6]) == [
        {"plane": ("yes", "folder")},
        {"plane": ("yes", "person")},
        {"plane": ("no", "person")},
        {"plane": ("no", "person")},
        {"plane": ("yes", "person")},
        {"plane": ("yes", "person")},
    ]
    assert {change.image_id for change in pending_changes(any_ledger, 100)} == {*images[:4], images[5]}
    assert names(any_ledger) == ["plane"]
    assert count(any_ledger, "label_event") > events, "events were added, none was changed"
    again = merge_label(any_ledger, old.id, into=new.id, author="wei", key="m")
    assert (again.batch_id, again.moved, again.contradictions, again.repeated) == (done.batch_id, 5, 0, True)
    assert (batches(any_ledger, 1)[0].kind, batches(any_ledger, 1)[0].undone_by) == ("merge", None)
    back = undo(any_ledger, done.batch_id, author="wei", key="u")
    assert all_seen(any_ledger, images) == before
    assert names(any_ledger) == ["aeroplane", "plane"]
    assert batches(any_ledger, 2)[1].undone_by == back.batch_id
    say(any_ledger, "3", (images[6], old.id, "yes"))
    redone = redo(any_ledger, done.batch_id, author="wei", key="r")
    assert names(any_ledger) == ["plane"]
    assert seen(any_ledger, images[6]) == {"plane": ("yes", "person")}, "what came after the undo goes over too"
    undo(any_ledger, redone.batch_id, author="wei", key="u2")
    assert all_seen(any_ledger, images[:6]) == before[:6]
    assert seen(any_ledger, images[6]) == {"aeroplane": ("yes", "person")}


def test_a_contradiction_is_kept_and_counted(any_ledger: Ledger, images: list[int]) -> None:
    old, new = ensure_label(any_ledger, "aeroplane"), ensure_label(any_ledger, "plane")
    say(any_ledger, "1", *((image, old.id, "yes") for image in images[:3]), (images[3], old.id, "no"))
    say(any_ledger, "2", (images[0], new.id, "no"), (images[3], new.id, "yes"))
    before = all_seen(any_ledger, images)
    done = merge_label(any_ledger, old.id, into=new.id, author="wei", key="m")
    assert (done.moved, done.contradictions) == (2, 2)
    assert seen(any_ledger, images[0]) == {"aeroplane": ("yes", "person"), "plane": ("no", "person")}
    assert names(any_ledger) == ["aeroplane", "plane"], "the label stays as long as it holds a contradiction"
    undone = undo(any_ledger, done.batch_id, author="wei", key="u")
    assert all_seen(any_ledger, images) == before
    redo(any_ledger, undone.batch_id, author="wei", key="r")
    say(any_ledger, "3", (images[0], new.id, "yes"), (images[3], old.id, "unknown"))
    assert merge_label(any_ledger, old.id, into=new.id, author="wei", key="m2").contradictions == 0
    assert names(any_ledger) == ["plane"]
    assert [seen(any_ledger, image)["plane"][0] for image in images[:4]] == ["yes"] * 4


def test_an_exclusive_group_keeps_one_yes(any_ledger: Ledger, images: list[int]) -> None:
    old = ensure_label(any_ledger, "aeroplane")
    new, car = (ensure_label(any_ledger, name, group="vehicle") for name in ("plane", "car"))
    say(any_ledger, "f", (images[1], car.id, "yes"), (images[2], old.id, "yes"), origin="folder")
    say(any_ledger, "1", (images[0], old.id, "yes"), (images[0], car.id, "yes"), (images[1], old.id, "yes"))
    say(any_ledger, "2", (images[2], car.id, "yes"))
    plan = plan_merge(any_ledger, old.id, into=new.id)
    assert plan == MergePlan(yes=1, no=0, same=1, contradictions=1, ended=1)
    done = merge_label(any_ledger, old.id, into=new.id, author="wei", key="m")
    assert (done.moved, done.contradictions) == (2, 1)
    states = [{name: state for name, (state, _) in seen(any_ledger, image).items()} for image in images[:3]]
    assert states[0] == {"aeroplane": "yes", "car": "yes"}, "persons said both: neither is taken"
    assert states[1] == {"car": "no", "plane": "yes"}, "a person's decision beats a folder's"
    assert states[2] == {"car": "yes"}


def test_two_labels_of_one_exclusive_group_are_merged_by_their_later_decision(
    any_ledger: Ledger, images: list[int]
) -> None:
    old, new = (ensure_label(any_ledger, name, group="vehicle") for name in ("aeroplane", "plane"))
    for number, (first, second) in enumerate(((old, new), (new, old))):
        say(any_ledger, f"a{number}", (images[number], first.id, "yes"))
        say(any_ledger, f"b{number}", (images[number], second.id, "yes"))
    before = all_seen(any_ledger, images)
    done = merge_label(any_ledger, old.id, into=new.id, author="wei", key="m")
    assert (done.moved, done.contradictions) == (2, 0)
    assert all_seen(any_ledger, images[:2]) == [{"plane": ("yes", "person")}] * 2
    assert [group.labels for group in list_groups(any_ledger)] == [("plane",)]
    undo(any_ledger, done.batch_id, author="wei", key="u")
    assert all_seen(any_ledger, images) == before


def test_a_merged_label_means_the_other_one(any_ledger: Ledger, images: list[int]) -> None:
    source = with_source(any_ledger, labels=True)
    old, mid, new = (ensure_label(any_ledger, name) for name in ("aeroplane", "airplane", "plane"))
    hunt = create_hunt(any_ledger, label_id=old.id, author="wei")
    decision = [Decision(images[0], old.id, "yes")]
    first = record(any_ledger, key="1", author="wei", decisions=decision, hunt=hunt.id)
    merge_label(any_ledger, old.id, into=mid.id, author="wei", key="m1")
    second = merge_label(any_ledger, mid.id, into=new.id, author="wei", key="m2")
    assert ensure_label(any_ledger, "aeroplane").id == new.id
    assert record(any_ledger, key="1", author="wei", decisions=decision).applied == 1, "sent twice, merged in between"
    assert say(any_ledger, "2", (images[1], old.id, "yes")).applied == 1, "a page that was open all the while"
    assert seen(any_ledger, images[1]) == {"plane": ("yes", "person")}
    folder = {b"%d" % number: content for number, content in enumerate(CONTENTS)}
    ingest(any_ledger, source, {**folder, b"airplane/new": "N"})
    assert seen(any_ledger, image_of(any_ledger, "N")) == {"plane": ("yes", "folder")}
    now = count_hunt(any_ledger, hunt.id)
    assert (now.hunt.label_id, now.found) == (new.id, 1)
    assert decided(any_ledger, old.id, limit=5).positives.person == (images[1], images[0])
    assert undo(any_ledger, first.batch_id, author="wei", key="u").applied == 0, "the merge came after it"
    with pytest.raises(InvalidLabel, match="merged"):
        rename_label(any_ledger, new.id, "airplane")
    for label_id, into in ((mid.id, new.id), (new.id, old.id)):
        with pytest.raises(InvalidLabel, match="merged"):
            merge_label(any_ledger, label_id, into=into, author="wei", key="m3")
    undo(any_ledger, second.batch_id, author="wei", key="u2")
    assert names(any_ledger) == ["airplane", "plane"]


def test_a_decision_that_was_undone_before_a_merge_does_not_come_back_out_of_sight(
    any_ledger: Ledger, images: list[int]
) -> None:
    old, new = ensure_label(any_ledger, "aeroplane"), ensure_label(any_ledger, "plane")
    undone = undo(any_ledger, say(any_ledger, "1", (images[0], old.id, "yes")).batch_id, author="wei", key="u")
    merge = merge_label(any_ledger, old.id, into=new.id, author="wei", key="m")
    assert merge.moved == 0
    assert batches(any_ledger, 1)[0].id == merge.batch_id, "a merge of an empty label can be found and undone too"
    assert redo(any_ledger, undone.batch_id, author="wei", key="r1").applied == 0
    undo(any_ledger, merge.batch_id, author="wei", key="u2")
    assert redo(any_ledger, undone.batch_id, author="wei", key="r2").applied == 1
    assert seen(any_ledger, images[0]) == {"aeroplane": ("yes", "person")}


def test_a_merge_that_cannot_be_leaves_everything_as_it_was(any_ledger: Ledger, images: list[int]) -> None:
    plane = ensure_label(any_ledger, "plane")
    with pytest.raises(InvalidLabel, match="itself"):
        merge_label(any_ledger, plane.id, into=plane.id, author="wei", key="m")
    with pytest.raises(UnknownLabel, match="4711"):
        merge_label(any_ledger, plane.id, into=4711, author="wei", key="m")
    with pytest.raises(InvalidKey):
        merge_label(any_ledger, plane.id, into=4711, author="wei", key="")
    with any_ledger.read() as connection:
        assert connection.execute(tables.label_batch.select()).first() is None


def test_a_redo_after_a_merge_the_other_way_round_is_refused(ledger: Ledger) -> None:
    one, two = ensure_label(ledger, "one"), ensure_label(ledger, "two")
    first = merge_label(ledger, one.id, into=two.id, author="wei", key="m1")
    undo(ledger, first.batch_id, author="wei", key="u")
    merge_label(ledger, two.id, into=one.id, author="wei", key="m2")
    with pytest.raises(InvalidLabel, match="two has been merged"):
        redo(ledger, first.batch_id, author="wei", key="r")
