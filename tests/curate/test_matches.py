"""Deciding about all that match: exactly what was stated, less what changed meanwhile, and one undo for all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import select

from catalog import tables
from catalog.images import delete_images
from catalog.label_events import State
from catalog.label_history import BatchResult
from catalog.labels import Decision, batches, ensure_label, record, states, undo
from catalog.matching import Kind
from catalog.merge import merge_label
from catalog.search_filter import SearchFilter
from catalog.standing import still_open
from curate import kept_matches
from curate.matches import Applied, Match, apply, find, plan, recorded
from tests.curate.album import ENCODER, Album, around

UNLABELLED = SearchFilter(unlabelled=True)


def planned(album: Album, wanted: SearchFilter, label: str, *, out: tuple[int, ...] = ()) -> Match:
    label_id = ensure_label(album.ledger, label).id
    return plan(album.ledger, find(album.ledger, album.store, wanted), label=label, label_id=label_id, out=out)[0]


def decide(album: Album, match: Match, *kinds: Kind, decision: State = "yes", key: str | None = None) -> Applied:
    key = key or uuid4().hex
    return apply(album.ledger, match, decision=decision, kinds=kinds or [Kind.PLAIN], key=key, author="wei")


def carrying(album: Album, label: str) -> set[int]:
    found = states(album.ledger, range(1, album.images + 1))
    return {one for one, said in found.items() if any(row.name == label and row.state == "yes" for row in said)}


def test_a_least_score_finds_what_a_comparison_with_every_vector_finds(album: Album) -> None:
    vectors = np.concatenate([around(0, 300), around(1, 200)])
    ids = np.array(album.add(vectors[:250]) + album.add(vectors[250:]))
    for least in (-1.0, 0.2, 0.9, 0.97, 1.0):
        found = find(
            album.ledger, album.store, SearchFilter(min_score=least), encoder_id=ENCODER, vector=vectors[3].copy()
        )
        cosines = vectors @ vectors[3]
        assert found.ids.tolist() == ids[np.round(cosines.astype(np.float64), 4) >= least].tolist()
        assert found.scores is not None
        assert np.allclose(found.scores, cosines[found.ids - 1], atol=1e-6)


def test_what_the_encoder_has_not_embedded_has_no_score_but_matches_a_filter(album: Album) -> None:
    ids = album.add(around(0, 4)) + album.add(around(0, 2), encoder_id="f" * 64)
    album.decide("sky", ids[1:])
    sky = SearchFilter(label_ids=(ensure_label(album.ledger, "sky").id,))
    near = find(album.ledger, album.store, replace(sky, min_score=0.0), encoder_id=ENCODER, vector=around(0, 1)[0])
    assert near.ids.tolist() == ids[1:4]
    assert find(album.ledger, album.store, sky).ids.tolist() == ids[1:]
    assert find(album.ledger, album.store, sky, hidden=f"{ids[1]:064x}").ids.tolist() == ids[2:]


def test_a_plan_states_how_each_stands_to_the_label(album: Album) -> None:
    ids = album.add(around(0, 12))
    plane, car = (ensure_label(album.ledger, name, group="vehicle") for name in ("plane", "car"))
    album.decide("plane", ids[:3])
    album.decide("plane", ids[3:5], "no")
    album.decide("car", ids[4:7])
    album.decide("old", ids[6:9])
    match, stand = plan(
        album.ledger,
        find(album.ledger, album.store, SearchFilter()),
        label="plane",
        label_id=plane.id,
        out=(ids[11], 10**6),
    )
    assert match.ids.tolist() == ids[:11]
    assert [Kind(kind).name for kind in stand.kinds] == ["YES"] * 3 + ["NO"] * 2 + ["OTHER"] * 4 + ["PLAIN"] * 2
    assert stand.rivals == 2, "the two cars of which nobody has said that they are no plane"
    new, fresh = plan(album.ledger, match, label="never", label_id=None, out=())
    assert [int((fresh.kinds == kind).sum()) for kind in Kind] == [3, 8, 0, 0]
    assert new.label_id is None
    assert car.id != plane.id


def test_all_that_match_become_one_batch_and_one_undo_takes_it_back(album: Album) -> None:
    ids = album.add(around(0, 30))
    album.decide("old", ids[:4])
    album.decide("plane", [ids[5]], "no")
    done = decide(album, planned(album, SearchFilter(), "plane", out=(ids[29],)))
    assert (done.applied, done.changed, done.repeated) == (24, 0, False)
    assert carrying(album, "plane") == set(ids[4:29]) - {ids[5]}
    assert done.batch_id is not None
    assert batches(album.ledger, 1)[0].size == 24
    undo(album.ledger, done.batch_id, author="wei", key="u")
    assert carrying(album, "plane") == set()
    assert carrying(album, "old") == set(ids[:4])


def test_what_changed_since_it_was_stated_is_left_out(album: Album) -> None:
    ids = album.add(around(0, 20))
    match = planned(album, UNLABELLED, "plane")
    album.decide("bird", [ids[1]])  # does not match any more
    album.decide("plane", [ids[2]], "no")  # matches, and was decided otherwise
    album.decide("plane", [ids[3]])  # has it already
    delete_images(album.ledger, [ids[4]])
    later = album.add(around(1, 3))  # matches, and was not stated
    done = decide(album, match)
    assert (done.applied, done.changed) == (16, 4)
    assert carrying(album, "plane") == {ids[0], ids[3], *ids[5:]}
    assert not carrying(album, "plane") & set(later)


def test_an_image_that_came_to_match_again_stays_as_it_was_counted(album: Album) -> None:
    ids = album.add(around(0, 6))
    album.decide("plane", ids[:2])
    match = planned(album, SearchFilter(), "plane")
    album.decide("plane", ids[:1], "unknown")  # counted among those that have the label: nobody agreed to this one
    done = decide(album, match)
    assert (done.applied, done.changed) == (4, 0)
    assert carrying(album, "plane") == set(ids[1:])


def test_the_same_key_counts_once_whatever_came_in_between(album: Album) -> None:
    ids = album.add(around(0, 10))
    match = planned(album, UNLABELLED, "plane")
    assert recorded(album.ledger, "once") is None
    first = decide(album, match, key="once")
    assert recorded(album.ledger, "once") == Applied(first.batch_id, 10, changed=0, repeated=True)
    batch = first.batch_id
    assert batch is not None
    undo(album.ledger, batch, author="wei", key="u")
    album.decide("bird", ids[:1])
    again = decide(album, match, key="once")  # as one that was still on its way when the first was answered
    assert (again.batch_id, again.repeated) == (batch, True)
    assert carrying(album, "plane") == set()


def test_all_that_match_are_rejected_or_opened_again(album: Album) -> None:
    ids = album.add(around(0, 9))
    album.decide("plane", ids[:3])
    album.decide("bird", ids[3:5])
    rejected = decide(album, planned(album, SearchFilter(), "plane"), Kind.PLAIN, Kind.OTHER, decision="no")
    assert rejected.applied == 6
    assert carrying(album, "plane") == set(ids[:3])
    opened = decide(album, planned(album, SearchFilter(), "plane"), Kind.YES, Kind.NO, decision="unknown")
    assert opened.applied == 9
    assert carrying(album, "plane") == set()
    assert carrying(album, "bird") == set(ids[3:5])


def test_a_label_of_the_same_group_ends_only_where_that_was_chosen(album: Album) -> None:
    ids = album.add(around(0, 6))
    for name in ("plane", "car"):
        ensure_label(album.ledger, name, group="vehicle")
    album.decide("car", ids[:2])
    assert decide(album, planned(album, SearchFilter(), "plane")).applied == 4
    assert carrying(album, "car") == set(ids[:2])
    assert decide(album, planned(album, SearchFilter(), "plane"), Kind.OTHER).applied == 2
    assert carrying(album, "car") == set()
    assert carrying(album, "plane") == set(ids)


def test_a_new_label_is_made_with_its_first_picture(album: Album) -> None:
    ids = album.add(around(0, 3))
    match, _ = plan(album.ledger, find(album.ledger, album.store, UNLABELLED), label="new", label_id=None, out=())
    gone, _ = plan(album.ledger, replace(match, ids=match.ids[:0]), label="gone", label_id=None, out=())
    assert decide(album, gone).batch_id is None
    done = decide(album, match)
    assert done.applied == 3
    with album.ledger.read() as connection:
        assert set(connection.scalars(select(tables.label.c.name))) == {"new"}
    assert carrying(album, "new") == set(ids)


def test_a_match_is_kept_as_it_was(album: Album) -> None:
    ids = album.add(around(0, 7))
    album.decide("bird", ids[:2])
    found = find(
        album.ledger, album.store, SearchFilter(unlabelled=True, min_score=0.1), encoder_id=ENCODER,
        vector=around(0, 1)[0], hidden="a" * 64,
    )  # fmt: skip
    match, _ = plan(album.ledger, found, label="飞机 ✈", label_id=None, out=())
    back = kept_matches.kept(album.store, kept_matches.keep(album.store, match))
    for name in ("ids", "scores", "kinds"):
        assert np.array_equal(getattr(back, name), getattr(match, name)), name
        assert getattr(back, name).dtype == getattr(match, name).dtype
    for name in ("wanted", "encoder_id", "hidden", "label", "label_id"):
        assert getattr(back, name) == getattr(match, name), name
    plain = find(album.ledger, album.store, SearchFilter(source_ids=(3, 4)))
    again = kept_matches.kept(album.store, kept_matches.keep(album.store, plain))
    assert (again.scores, again.kinds, again.wanted) == (None, None, plain.wanted)


@pytest.mark.parametrize("data", [None, b"", b"PK\x03\x04 cut short"])
def test_a_token_of_nothing_is_refused(album: Album, data: bytes | None) -> None:
    if data is not None:
        album.store.put("matches/some", data)
    with pytest.raises(kept_matches.MatchGone, match="select all that match again"):
        kept_matches.kept(album.store, "some")
    with pytest.raises(kept_matches.MatchGone):
        kept_matches.kept(album.store, "..")


def test_a_label_that_was_merged_since_is_judged_as_the_one_it_is_today(album: Album) -> None:
    ids = album.add(around(0, 6))
    album.decide("boat", ids[:1], "no")
    album.decide("boat", ids[1:2])
    match = planned(album, SearchFilter(), "ship")
    ship, boat = (ensure_label(album.ledger, name).id for name in ("ship", "boat"))
    merge_label(album.ledger, ship, into=boat, author="ann", key="merge")
    done = decide(album, match, Kind.PLAIN, Kind.OTHER)
    assert (done.applied, done.changed) == (4, 2), "somebody had said of two what they are"
    assert carrying(album, "boat") == set(ids[1:])
    assert [row.state for row in states(album.ledger, ids[:1])[ids[0]]] == ["no"]


def test_a_decision_made_just_before_the_batch_is_written_is_kept(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = album.add(around(0, 5))
    match = planned(album, SearchFilter(), "bird")

    def late(*args: Any, **options: Any) -> BatchResult:
        album.decide("bird", ids[:1], "no")
        return record(*args, **options)

    monkeypatch.setattr("curate.matches.record", late)
    done = decide(album, match, Kind.PLAIN)
    assert (done.applied, done.changed) == (4, 1)
    assert [row.state for row in states(album.ledger, ids[:1])[ids[0]]] == ["no"]


def test_what_is_accepted_unseen_replaces_no_decision(album: Album) -> None:
    ids = album.add(around(0, 4))
    album.decide("bird", ids[:1], "no")
    bird = ensure_label(album.ledger, "bird").id
    finch = ensure_label(album.ledger, "finch").id
    merge_label(album.ledger, finch, into=bird, author="ann", key="merge")
    run = [Decision(image_id, finch, "yes") for image_id in ids]
    done = record(album.ledger, key="run", author="ann", decisions=run, still=still_open(finch))
    assert (done.applied, done.unchanged) == (3, 0)
    assert carrying(album, "bird") == set(ids[1:])
