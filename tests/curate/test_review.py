"""A label looked through page by page: in which order, what a look changes, and what two people do at once."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest

from catalog.encoders import promote
from catalog.errors import UnknownLabel
from catalog.images import delete_images
from catalog.label_review import images_of_label, record_review
from catalog.labels import Decision, ensure_label, merge_label, record, undo
from curate import ranked
from curate.confusion import Comparer
from curate.ranker import Vectors
from curate.review import Reviewer, ReviewPage
from curate.review_others import rival_labels
from curate.suspects import Others, Verdict, judge
from tests.curate.album import Album, around

OTHER_ENCODER = "f" * 64


def reviewer(album: Album) -> Reviewer:
    return Reviewer(album.ledger, album.store)


def label_id(album: Album, name: str) -> int:
    return ensure_label(album.ledger, name).id


def shown(page: ReviewPage) -> list[int]:
    return [hit.image_id for hit in page.hits]


@pytest.fixture
def mixed(album: Album) -> list[int]:
    """40 images of planes, 40 of ships, 40 without a label; three ships and two others are labelled plane. Those."""
    planes, ships, rest = (album.add(around(axis, 40, seed=axis)) for axis in range(3))
    wrong = [*ships[:3], *rest[:2]]
    album.decide("plane", planes + wrong)
    album.decide("ship", ships[3:])
    return wrong


def test_what_is_wrong_comes_first(album: Album, mixed: list[int]) -> None:
    page = reviewer(album).page(label_id(album, "plane"))
    assert set(shown(page)[:5]) == set(mixed)
    assert (page.total, page.labelled, page.reviewed, page.unranked) == (45, 45, 0, 0)
    unlike = reviewer(album).page(label_id(album, "plane"), sort="unlike")
    assert set(shown(unlike)[:5]) == set(mixed)
    likeness = [hit.score for hit in unlike.hits]
    assert likeness == sorted(likeness)


def test_the_newest_come_first_where_that_is_asked(album: Album, mixed: list[int]) -> None:
    late = album.add(around(0, 3, seed=9))
    album.decide("plane", late)
    assert set(shown(reviewer(album).page(label_id(album, "plane"), sort="newest"))[:3]) == set(late)


def test_what_was_looked_at_is_not_shown_again_until_it_is_undone(album: Album, mixed: list[int]) -> None:
    plane, view = label_id(album, "plane"), reviewer(album)
    first = shown(view.page(plane, limit=20))
    done = record_review(
        album.ledger, key="k", author="wei", label_id=plane, kept=set(first) - set(mixed), removed=mixed
    )
    assert (done.kept, done.removed, done.passed_over) == (15, 5, 0)
    after = view.page(plane, limit=1000)
    assert not set(first) & set(shown(after))
    assert (after.total, after.labelled, after.reviewed) == (25, 40, 15)
    everything = view.page(plane, limit=1000, everything=True)
    assert set(first) - set(mixed) <= set(shown(everything))

    undo(album.ledger, done.batch_id, author="wei", key="u")
    assert shown(view.page(plane, limit=20)) == first


def test_pages_cover_the_label_once(album: Album, mixed: list[int]) -> None:
    view, plane = reviewer(album), label_id(album, "plane")
    pages = [shown(view.page(plane, offset=start, limit=7)) for start in range(0, 49, 7)]
    ids = [one for page in pages for one in page]
    assert len(ids) == len(set(ids)) == 45


def test_what_is_labelled_meanwhile_is_placed_without_a_new_verdict(album: Album, mixed: list[int]) -> None:
    view, plane = reviewer(album), label_id(album, "plane")
    before = shown(view.page(plane, limit=1000))
    wrong = album.add(around(5, 1))
    album.decide("plane", wrong)
    after = view.page(plane, limit=1000)
    assert wrong[0] in shown(after)[:6] and after.unranked == 0
    assert [one for one in shown(after) if one in before] == before


def test_many_decisions_bring_a_new_verdict(album: Album, mixed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    view, plane = reviewer(album), label_id(album, "plane")
    made: list[int] = []

    def counted(members: Vectors, others: Others, *, rng: np.random.Generator) -> Verdict:
        made.append(len(members))
        return judge(members, others, rng=rng)

    monkeypatch.setattr(ranked, "judge", counted)
    for _ in range(3):
        view.page(plane)
    assert len(made) == 1
    album.decide("something else", album.add(around(4, 250)))
    view.page(plane)
    assert len(made) == 2


def test_a_label_too_large_to_be_judged_whole_is_placed(
    album: Album, mixed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranked, "MOST_JUDGED", 20)
    monkeypatch.setattr(ranked, "PLACED_AT_ONCE", 8)
    page = reviewer(album).page(label_id(album, "plane"), limit=1000)
    assert (len(page.hits), page.unranked) == (45, 0)
    assert set(shown(page)[:8]) >= set(mixed)


def test_a_label_with_one_image_with_none_and_one_that_is_not(album: Album, mixed: list[int]) -> None:
    album.decide("alone", album.add(around(6, 1)))
    assert len(reviewer(album).page(label_id(album, "alone")).hits) == 1
    assert reviewer(album).page(label_id(album, "empty")).hits == []
    with pytest.raises(UnknownLabel):
        reviewer(album).page(987)


def test_images_without_a_vector_come_last_the_newest_first(album: Album, mixed: list[int]) -> None:
    plane = label_id(album, "plane")
    album.add(around(0, 2, dimension=8), encoder_id=OTHER_ENCODER, first=1)
    promote(album.ledger, OTHER_ENCODER)
    page = reviewer(album).page(plane, limit=1000)
    assert page.encoder_id == OTHER_ENCODER
    assert set(shown(page)[:2]) == {1, 2} and page.unranked == 43
    assert shown(page)[2:] == [one for one in images_of_label(album.ledger, plane).ids.tolist() if one > 2]


def test_a_switch_of_encoders_ranks_anew(album: Album, mixed: list[int]) -> None:
    view, plane = reviewer(album), label_id(album, "plane")
    view.page(plane)
    turned = np.random.default_rng(8).normal(size=(120, 8)).astype(np.float32)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    album.add(turned, encoder_id=OTHER_ENCODER, first=1)
    promote(album.ledger, OTHER_ENCODER)
    page = view.page(plane, limit=1000)
    assert (page.encoder_id, page.unranked, len(page.hits)) == (OTHER_ENCODER, 0, 45)


def test_an_image_that_was_deleted_is_not_shown(album: Album, mixed: list[int]) -> None:
    view, plane = reviewer(album), label_id(album, "plane")
    first = shown(view.page(plane))[0]
    delete_images(album.ledger, [first])
    page = view.page(plane)
    assert first not in shown(page) and page.total == 44


def test_a_merged_label_is_the_other_one(album: Album, mixed: list[int]) -> None:
    plane, ship = label_id(album, "plane"), label_id(album, "ship")
    merge_label(album.ledger, ship, into=plane, author="wei", key="m")
    page = reviewer(album).page(ship, limit=1000)
    assert page.label_id == plane and len(page.hits) == 82


def test_what_carries_a_label_that_never_goes_with_it_comes_first(album: Album, mixed: list[int]) -> None:
    plane, ship = label_id(album, "plane"), label_id(album, "ship")
    fits = [one for one in images_of_label(album.ledger, plane).ids.tolist() if one not in mixed]
    album.decide("ship", fits[:1])
    album.decide("vehicle", fits)
    assert shown(reviewer(album).page(plane))[0] == fits[0]
    assert shown(reviewer(album).page(ship))[0] == fits[0]
    album.decide("ship", fits[1:])  # now they go together
    assert set(shown(reviewer(album).page(plane))[:5]) == set(mixed)


def test_labels_that_go_together_are_no_rivals() -> None:
    sizes = {1: (0, 500), 2: (480, 500), 3: (5, 100), 4: (0, 20), 5: (0, 0)}
    assert rival_labels(sizes, 1000) == [1, 3, 4]


def test_the_most_confused_images_of_two_labels_come_first(album: Album, mixed: list[int]) -> None:
    plane, ship = label_id(album, "plane"), label_id(album, "ship")
    compare = Comparer(album.ledger, album.store)
    page = compare.page(plane, ship)
    ids = [hit.image_id for hit in page.hits]
    assert set(ids[:3]) == set(mixed[:3]) and (page.total, page.both) == (45, 0)
    moved = [Decision(ids[0], plane, "no"), Decision(ids[0], ship, "yes")]
    record(album.ledger, key=uuid4().hex, author="wei", decisions=moved)
    rest = compare.page(plane, ship, offset=2)
    assert [hit.image_id for hit in rest.hits] == ids[3:], "the order holds while somebody works through it"
    assert len(compare.page(ship, plane).hits) == 38
    album.decide("ship", [ids[-1]])
    again = compare.page(plane, ship)
    assert again.both == 1 and ids[-1] not in {hit.image_id for hit in again.hits}
    assert compare.page(plane, plane).hits == []
    assert compare.page(plane, label_id(album, "empty")).total == 44
    with pytest.raises(UnknownLabel):
        compare.page(plane, 987)
