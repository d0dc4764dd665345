"""Gangs: formed whole or not at all, ended by one lost rank, and deaf to what an older one reports."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from catalog import gangs
from catalog.errors import InvalidRun, UnknownRun, UnknownSource
from catalog.gangs import MAX_ATTEMPTS, Member, Waiting
from catalog.ledger import Ledger
from catalog.recovery import release_all
from catalog.run_progress import note_epochs, note_progress
from catalog.runs import Epoch, cancel_run, create_run, curve, get_run, list_runs, pause_run, resume_run
from catalog.tables import trainer
from tests.catalog.stand_in import with_source


def ask(ledger: Ledger, *, ranks: int = 1, **values: Any) -> int:
    source = with_source(ledger)
    return create_run(
        ledger, name="mine", preset="quick-cpu", source_ids=[source.id], ranks=ranks, author="test", **values
    )


def offer(ledger: Ledger, worker: str, *, lease_s: float = 30) -> Member | Waiting | None:
    return gangs.offer(ledger, worker=worker, address="127.0.0.1", lease_s=lease_s)


def formed(ledger: Ledger, worker: str, *, lease_s: float = 30) -> Member:
    found = offer(ledger, worker, lease_s=lease_s)
    assert isinstance(found, Member), found
    return found


def fall_silent(ledger: Ledger, worker: str) -> None:
    """As if nothing had been heard of it for an hour."""
    with ledger.write() as connection:
        silent = update(trainer).where(trainer.c.worker == worker)
        connection.execute(silent.values(lease_until=trainer.c.lease_until - 3600))


def at_stage(ledger: Ledger, run: int, stage: Any) -> None:
    """As after the stages before it."""
    member = formed(ledger, "stages")
    assert gangs.advance(ledger, member, stage, epochs=3)
    gangs.leave(ledger, member)


def epoch(number: int, loss: float | None = 1.0) -> Epoch:
    return Epoch(number, loss, 0.1, 0.08, None, 100.0, 2.0)


def test_nobody_is_needed_where_nothing_waits(any_ledger: Ledger) -> None:
    assert offer(any_ledger, "a") is None
    assert gangs.count_waiting(any_ledger) == 0


def test_all_ranks_or_none(any_ledger: Ledger) -> None:
    run = ask(any_ledger, ranks=3)
    at_stage(any_ledger, run, "train")
    assert offer(any_ledger, "a") == Waiting(2)
    assert offer(any_ledger, "b") == Waiting(1)
    assert offer(any_ledger, "a") == Waiting(1), "asking again is no second offer"
    assert (get_run(any_ledger, run).members, get_run(any_ledger, run).gang) == (0, 1), "none holds a place alone"
    last = formed(any_ledger, "c")
    members = [last, formed(any_ledger, "a"), formed(any_ledger, "b")]
    assert sorted(one.rank for one in members) == [0, 1, 2]
    assert {(one.run_id, one.gang, one.size) for one in members} == {(run, 2, 3)}
    assert [gangs.beat(any_ledger, one, lease_s=30) for one in members] == ["go"] * 3
    assert offer(any_ledger, "d") is None


def test_a_run_that_too_few_workers_are_there_for_does_not_hold_up_a_smaller_one(any_ledger: Ledger) -> None:
    large = ask(any_ledger, ranks=2)
    at_stage(any_ledger, large, "train")
    small = ask(any_ledger)
    assert formed(any_ledger, "a").run_id == small


def test_an_offer_that_was_not_renewed_does_not_count(any_ledger: Ledger) -> None:
    run = ask(any_ledger, ranks=2)
    at_stage(any_ledger, run, "train")
    assert offer(any_ledger, "a") == Waiting(1)
    fall_silent(any_ledger, "a")
    assert offer(any_ledger, "b") == Waiting(1)


def test_many_wake_ups_at_once_form_one_gang(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    found: list[Member | Waiting | None] = []
    start = threading.Barrier(6)

    def wake(name: str) -> None:
        start.wait()
        found.append(offer(any_ledger, name))

    threads = [threading.Thread(target=wake, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in found if one is not None] == [one for one in found if isinstance(one, Member)]
    assert len([one for one in found if one is not None]) == 1
    assert get_run(any_ledger, run).gang == 1


def test_a_lost_rank_ends_the_gang_and_what_it_says_later_does_not_count(any_ledger: Ledger) -> None:
    run = ask(any_ledger, ranks=2)
    at_stage(any_ledger, run, "train")
    offer(any_ledger, "a")
    first, second = formed(any_ledger, "b"), formed(any_ledger, "a")
    assert gangs.beat(any_ledger, first, lease_s=30) == "go"
    fall_silent(any_ledger, "a")
    assert gangs.beat(any_ledger, first, lease_s=30) == "broken"
    assert offer(any_ledger, "c") is None, "while a process of the lost gang may live, no other is formed"
    gangs.leave(any_ledger, first)
    assert offer(any_ledger, "b") == Waiting(1)
    again = formed(any_ledger, "c")
    assert again.gang == first.gang + 1
    assert gangs.beat(any_ledger, second, lease_s=30) == "lost"
    assert not note_epochs(any_ledger, second, [epoch(1)])
    assert not note_progress(any_ledger, second)
    assert not gangs.advance(any_ledger, second, "ship")
    assert not gangs.fail(any_ledger, second, error="late")
    gangs.leave(any_ledger, second, error="late")
    assert (get_run(any_ledger, run).error, get_run(any_ledger, run).members) == (None, 2)
    assert note_epochs(any_ledger, again, [epoch(1)])


def test_a_run_without_progress_is_given_up_with_the_reason(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    for number in range(MAX_ATTEMPTS):
        member = formed(any_ledger, f"w{number}")
        gangs.leave(any_ledger, member, error=f"out of paper {number}")
    assert offer(any_ledger, "last") is None
    found = get_run(any_ledger, run)
    assert found.state == "failed"
    assert found.error == f"gave up after {MAX_ATTEMPTS} attempts without progress: out of paper {MAX_ATTEMPTS - 1}"
    assert resume_run(any_ledger, run), "once its cause is mended it can be tried again"
    assert formed(any_ledger, "w").attempts == 0


def test_progress_makes_earlier_attempts_forgotten(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    for _ in range(2 * MAX_ATTEMPTS):
        member = formed(any_ledger, "w")
        assert note_progress(any_ledger, member)
        gangs.leave(any_ledger, member, error="killed")
    assert (get_run(any_ledger, run).state, get_run(any_ledger, run).attempts) == ("running", 0)


def test_workers_that_are_told_to_stop_say_nothing_about_the_run(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    for _ in range(MAX_ATTEMPTS + 1):
        gangs.leave(any_ledger, formed(any_ledger, "w"), counts=False)
    for _ in range(MAX_ATTEMPTS + 1):
        formed(any_ledger, "w")
        release_all(any_ledger, count_attempt=True)  # killed with everything else
    assert get_run(any_ledger, run).attempts == 0


def test_the_first_words_of_a_gang_are_the_reason(any_ledger: Ledger) -> None:
    run = ask(any_ledger, ranks=2)
    at_stage(any_ledger, run, "train")
    offer(any_ledger, "a")
    members = [formed(any_ledger, "b"), formed(any_ledger, "a")]
    gangs.leave(any_ledger, members[1], error="out of memory")
    gangs.leave(any_ledger, members[0], error="connection closed by peer")
    assert get_run(any_ledger, run).error == "out of memory"


def test_pause_resume_and_cancel_are_learnt_of_with_the_next_beat(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    member = formed(any_ledger, "w")
    assert pause_run(any_ledger, run) and not pause_run(any_ledger, run)
    assert gangs.beat(any_ledger, member, lease_s=30) == "paused"
    gangs.leave(any_ledger, member, counts=False)
    assert offer(any_ledger, "w") is None
    assert resume_run(any_ledger, run) and not resume_run(any_ledger, run)
    again = formed(any_ledger, "w")
    assert (again.gang, again.attempts) == (2, 0)
    assert cancel_run(any_ledger, run) and not cancel_run(any_ledger, run)
    assert gangs.beat(any_ledger, again, lease_s=30) == "cancelled"
    assert not gangs.finish(any_ledger, again, encoder_id="x")
    assert get_run(any_ledger, run).state == "cancelled"
    assert not resume_run(any_ledger, run)


def test_a_stage_that_ends_while_somebody_pauses_is_not_done_again(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    member = formed(any_ledger, "w")
    pause_run(any_ledger, run)
    assert gangs.advance(any_ledger, member, "train", epochs=9)
    found = get_run(any_ledger, run)
    assert (found.state, found.stage, found.epochs) == ("paused", "train", 9)
    resume_run(any_ledger, run)
    assert gangs.beat(any_ledger, member, lease_s=30) == "moved"


def test_the_curve_keeps_what_an_epoch_measured_last_and_no_nan(any_ledger: Ledger) -> None:
    run = ask(any_ledger)
    at_stage(any_ledger, run, "train")
    member = formed(any_ledger, "w")
    note_epochs(any_ledger, member, [epoch(1, 5.0), epoch(2, 4.0)])
    note_epochs(any_ledger, member, [epoch(2, 3.5), epoch(3, float("nan"))])
    assert [(one.epoch, one.loss) for one in curve(any_ledger, run)] == [(1, 5.0), (2, 3.5), (3, None)]
    assert [one.epoch for one in curve(any_ledger, run, after=2)] == [3]
    (found,) = list_runs(any_ledger)
    assert (found.done, found.epochs, found.seconds_left) == (3, 3, 0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": " "}, "1 to 80 visible characters"),
        ({"name": "a\nb"}, "1 to 80 visible characters"),
        ({"preset": "large"}, "no preset 'large'"),
        ({"ranks": 0}, "0 processes"),
        ({"source_ids": []}, "No folder is chosen"),
    ],
)
def test_what_cannot_be_trained_is_refused(ledger: Ledger, values: dict[str, Any], message: str) -> None:
    asked = {"name": "mine", "preset": "quick-cpu", "source_ids": [with_source(ledger).id], "author": "test", **values}
    with pytest.raises(InvalidRun, match=message):
        create_run(ledger, **asked)
    assert list_runs(ledger) == []


def test_what_is_not_there_is_named(ledger: Ledger) -> None:
    with pytest.raises(UnknownSource):
        create_run(ledger, name="mine", preset="photos", source_ids=[77], author="test")
    for change in (pause_run, resume_run, cancel_run, get_run):
        with pytest.raises(UnknownRun, match="no training run 77"):
            change(ledger, 77)


def test_the_place_of_a_worker_that_died_in_a_run_that_was_cancelled_is_cleared_by_the_next_offer(
    ledger: Ledger,
) -> None:
    run = ask(ledger)
    formed(ledger, "dead", lease_s=-1)
    assert cancel_run(ledger, run)
    assert offer(ledger, "next") is None
    with ledger.read() as connection:
        assert connection.execute(select(trainer.c.worker)).all() == []
