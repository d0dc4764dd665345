"""A hunt on a real ledger and index: pages, jumps and offers go on after every restart, and nothing is asked twice."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from catalog.errors import HuntChanged
from catalog.held_vectors import MOST_ROWS
from catalog.hunt_examples import add_image
from catalog.hunts import create_hunt, get_hunt, save_hunt
from catalog.images import delete_images
from catalog.labels import Decision, ensure_label, record
from catalog.standing import standing_of
from curate.hunt import NothingToAccept
from curate.hunt_state import ranked_key
from curate.proposal import Proposal
from curate.ranker import NoPositives
from tests.catalog.index.world import World
from tests.curate.person import OF_CLASS, OTHERS, Person


def test_a_run_is_accepted_unseen_and_every_image_is_decided_once(person: Person) -> None:
    seen: dict[int, str] = {}
    kinds: list[str] = []
    right = 0
    while right < 0.95 * OF_CLASS:
        offered = person.step()
        assert offered.kind != "end"
        kinds.append(offered.kind)
        if offered.kind in ("probe", "sample"):
            assert offered.run >= 0
        if offered.kind == "accept":
            assert offered.count >= 60
            assert 0 < offered.wrong <= 0.02
        for one in person.answer(offered):
            assert one not in seen, f"image {one} was shown as {seen[one]} and as {offered.kind}"
            seen[one] = offered.kind
            right += one <= OF_CLASS
        assert len(kinds) < 40, kinds
    assert {"page", "probe", "sample", "accept"} <= set(kinds)
    accepted = [one for one, kind in seen.items() if kind == "accept"]
    assert sum(one <= OF_CLASS for one in accepted) >= 0.97 * len(accepted)
    assert len(kinds) <= 30, "page by page it would take 32"


def test_what_is_left_is_estimated_from_a_random_check(person: Person) -> None:
    assert person.hunter().estimate(person.hunt) is None
    person.answer(person.step())
    early = person.hunter().check(person.hunt)
    person.answer(early)
    person.step()  # the answer to the check is read with the next step
    told = person.hunter().estimate(person.hunt)
    assert told is not None
    assert "still good" in told.reason
    for _ in range(60):
        offered = person.step()
        ids = person.answer(offered)
        if offered.kind == "page" and sum(one <= OF_CLASS for one in ids) < 6:
            break
    else:
        raise AssertionError("the class was never used up")
    for _ in range(4):
        person.answer(person.step())
    check = person.hunter().check(person.hunt)
    assert (check.kind, check.cut, len(check.hits)) == ("check", None, 120)
    person.answer(check)
    estimate = person.hunter().estimate(person.hunt)
    assert estimate is not None
    assert estimate.tells
    yes = standing_of(person.world.ledger, person.label, range(1, OF_CLASS + OTHERS + 1)).yes
    assert estimate.found == len(yes)
    left = OF_CLASS - sum(one <= OF_CLASS for one in yes)
    assert estimate.low <= left <= estimate.high
    assert estimate.high <= 40


def test_an_offer_declined_is_shown_page_by_page(person: Person) -> None:
    offered = person.until("accept")
    person.hunter().close_offer(person.hunt, offered.token, agreed=False)
    after = person.step()
    assert after.kind == "page"
    with pytest.raises(NothingToAccept):
        person.hunter().accepted(person.hunt, offered.token)
    person.hunter().close_offer(person.hunt, offered.token, agreed=True)
    assert person.step().kind == "page"


def test_an_answer_to_an_offer_outlives_another_pages_save(person: Person, world: World) -> None:
    offered = person.until("accept")
    hunter = person.hunter()
    save = hunter._save
    saved: list[object] = []

    def late(*given: object) -> None:
        if not saved:
            hunt = get_hunt(world.ledger, person.hunt)
            saved.append(save_hunt(world.ledger, hunt.id, version=hunt.version, state=hunt.state))
        save(*given)  # type: ignore[arg-type]

    hunter._save = late  # type: ignore[method-assign, assignment]
    hunter.close_offer(person.hunt, offered.token, agreed=False)
    assert saved
    assert person.step().kind == "page"


def test_a_check_of_nothing_is_the_end(world: World) -> None:
    person = Person(world, compare_up_to=MOST_ROWS)
    person.decide(list(range(1, OF_CLASS + OTHERS + 1)))
    assert person.hunter().check(person.hunt).kind == "end"
    assert person.step().kind == "end"


def test_an_offer_leaves_out_what_somebody_else_decided(person: Person, world: World) -> None:
    offered = person.until("accept")
    there = person.hunter().accepted(person.hunt, offered.token).tolist()
    person.decide(there[:7])
    assert person.hunter().accepted(person.hunt, offered.token).tolist() == there[7:]
    again = person.step()
    assert (again.kind, again.count) == ("accept", offered.count - 7)
    assert again.token != offered.token


def test_a_lost_list_is_made_again(person: Person, world: World) -> None:
    person.until("probe")
    assert world.store.delete(ranked_key(person.hunt))
    assert person.step().kind == "probe"
    assert world.store.exists(ranked_key(person.hunt))


def test_a_step_nobody_answered_is_offered_again(person: Person) -> None:
    first, again = person.step(), person.step()
    assert [hit.image_id for hit in first.hits] == [hit.image_id for hit in again.hits]
    assert first.kind == again.kind == "page"
    probe = person.until("probe")
    assert [hit.image_id for hit in person.step().hits] == [hit.image_id for hit in probe.hits]


def test_an_image_that_was_deleted_is_not_offered(person: Person, world: World) -> None:
    probe = person.until("probe")
    gone = probe.hits[3].image_id
    delete_images(world.ledger, [gone])
    assert gone not in [hit.image_id for hit in person.step().hits]


def test_two_pages_that_ask_at_once_both_get_an_answer(person: Person, world: World) -> None:
    hunter = person.hunter()
    ranking = hunter._ranking
    asked: list[Proposal] = []

    def meanwhile(*given: object) -> object:
        if not asked:
            asked.append(person.step())
        return ranking(*given)  # type: ignore[arg-type]

    hunter._ranking = meanwhile  # type: ignore[method-assign, assignment]
    assert hunter.propose(person.hunt).kind == "page"
    assert asked
    with pytest.raises(HuntChanged):
        save_hunt(world.ledger, person.hunt, version=1, state={})


def test_a_state_of_another_time_is_not_believed(person: Person, world: World) -> None:
    hunt = get_hunt(world.ledger, person.hunt)
    save_hunt(world.ledger, person.hunt, version=hunt.version, state={"format": 99, "paging": "?"})
    assert person.step().kind == "page"


def test_without_an_example_there_is_nothing_to_look_for(world: World) -> None:
    label = ensure_label(world.ledger, "nothing").id
    person = Person(world, compare_up_to=MOST_ROWS)
    empty = create_hunt(world.ledger, label_id=label, author="me")
    with pytest.raises(NoPositives):
        person.hunter().propose(empty.id)
    add_image(world.ledger, empty.id, 2100, sign=-1, author="me")
    with pytest.raises(NoPositives):
        person.hunter().propose(empty.id)


def test_contradicting_decisions_leave_a_ranking(person: Person, world: World) -> None:
    ids = [hit.image_id for hit in person.step().hits]
    person.decide(ids)
    record(
        world.ledger,
        key=uuid4().hex,
        author="you",
        decisions=[Decision(one, person.label, "no") for one in ids[:30]],
    )
    after = person.step()
    assert after.kind == "page"
    assert len(after.hits) == 60
    assert not {hit.image_id for hit in after.hits} & set(ids)


def test_the_folder_of_a_store_may_hold_the_list_of_many_hunts(world: World, tmp_path: Path) -> None:
    people = [Person(world, compare_up_to=MOST_ROWS) for _ in range(2)]
    probes = [one.until("probe") for one in people]
    assert [one.step().kind for one in people] == ["probe", "probe"]
    assert probes[0].token != probes[1].token
