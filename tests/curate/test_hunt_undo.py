"""What is taken back in a hunt: it goes back to the step that the decisions belonged to, and judges by none of them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from catalog.held_vectors import MOST_ROWS
from catalog.labels import Decision, record
from tests.catalog.index.world import World
from tests.curate.person import Person


@pytest.fixture
def person(world: World) -> Person:
    return Person(world, compare_up_to=MOST_ROWS)


@pytest.mark.parametrize("kind", ["page", "probe", "sample", "accept"])
def test_a_step_whose_answer_is_taken_back_comes_again(person: Person, kind: str) -> None:
    first = person.until(kind)
    person.answer(first)
    second = person.step()
    last = person.newest()
    person.answer(second)
    third = person.step()  # nobody has answered it when the two before it are taken back
    assert third.token != second.token
    person.take_back(person.newest())
    person.take_back(last)
    again = person.step()
    assert (again.kind, again.run, again.count) == (first.kind, first.run, first.count)
    assert again.wrong == first.wrong
    same = {hit.image_id for hit in again.hits} & {hit.image_id for hit in first.hits}
    assert len(same) >= 0.9 * len(first.hits), "a page is ranked anew; what was held is the same"
    if kind in ("probe", "sample"):
        assert len(same) == len(first.hits)
    person.answer(again)
    assert person.step().kind == second.kind


def test_a_run_is_not_judged_by_a_sample_that_was_taken_back(person: Person) -> None:
    sample = person.until("sample")
    ids = [hit.image_id for hit in sample.hits]
    record(
        person.world.ledger,
        key=uuid4().hex,
        author="me",
        decisions=[Decision(one, person.label, "no") for one in ids],
        hunt=person.hunt,
    )
    assert person.step().run < sample.run
    person.take_back(person.newest())
    again = person.step()
    assert (again.kind, again.run) == ("sample", sample.run)
    assert [hit.image_id for hit in again.hits] == ids


def test_one_decision_of_many_that_is_taken_back_is_no_way_back(person: Person) -> None:
    person.until("probe")
    person.answer(person.step())
    decided = person.hunter().propose(person.hunt)
    one = person.step().hits[0].image_id
    person.decide([one])
    person.take_back(person.newest())
    assert (person.step().kind, person.step().run) == (decided.kind, decided.run)
