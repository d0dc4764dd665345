"""Pages of a hunt: best first, and jumps that accept a long good run after a few looks."""

from __future__ import annotations

import numpy as np
import pytest

from curate.finder import Flags
from curate.paging import Jump, Paging, Step, expected_wrong


def walk(truth: Flags, *, page: int = 10, steps: int = 500, jumps: bool = True) -> tuple[list[Step], Flags]:
    """Go through ranks in order, the person saying what `truth` says; returns the steps and what was confirmed."""
    paging = Paging(page=page, jumps=jumps)
    decided, confirmed = np.zeros(len(truth), bool), np.zeros(len(truth), bool)
    taken: list[Step] = []
    for _ in range(steps):
        ranked = np.flatnonzero(~decided).astype(np.int64)
        paging, step = paging.next_step(ranked)
        if step is None:
            break
        taken.append(step)
        assert not decided[step.ids].any(), "an image is shown twice"
        good = np.array([True]) if step.kind == "accept" else truth[step.ids]
        confirmed[step.ids] = good
        decided[step.ids] = True
        paging = paging.after(step, good)
    return taken, confirmed


def test_pages_come_best_first_until_nothing_is_left() -> None:
    truth = np.arange(95) % 2 == 0
    steps, confirmed = walk(truth)
    assert [len(step.ids) for step in steps] == [10] * 9 + [5]
    assert np.concatenate([step.ids for step in steps]).tolist() == list(range(95))
    assert (confirmed == truth).all()


def test_a_long_good_run_takes_few_decisions() -> None:
    truth = np.arange(5000) < 2000
    steps, confirmed = walk(truth, steps=40)
    assert confirmed[:1900].all() and not confirmed[2000:].any()
    looked = sum(len(step.ids) for step in steps[:30] if step.kind != "accept")
    assert sum(step.kind == "accept" for step in steps) >= 1
    assert looked < 400


def test_a_run_with_scattered_wrong_images_is_not_accepted() -> None:
    rng = np.random.default_rng(3)
    truth = np.arange(4000) < 2000
    truth[30:2000] = rng.random(1970) > 0.08
    _, confirmed = walk(truth, page=60, steps=60)
    assert truth[confirmed].mean() >= 0.98


def test_the_share_of_wrong_images_in_accepted_runs_stays_small() -> None:
    shares = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = np.arange(6000) < 3000
        truth[:3000] = rng.random(3000) > 0.01 * (seed % 4)
        _, confirmed = walk(truth, page=60, steps=25)
        shares.append(float(truth[confirmed].mean()))
    assert np.mean(shares) >= 0.985


def test_jumps_can_be_left_out() -> None:
    steps, _ = walk(np.ones(500, bool), jumps=False)
    assert {step.kind for step in steps} == {"page"}


def test_who_does_not_agree_to_a_jump_gets_pages() -> None:
    paging = Paging(
        page=10, jump=Jump(np.arange(200), low=150, high=160, sampled=tuple(range(30)), sampled_good=(True,) * 30)
    )
    paging, step = paging.next_step(np.arange(200))
    assert step is not None and step.kind == "accept" and step.run == 150
    assert step.ids.tolist() == list(range(30, 150))
    after = paging.after(step, np.array([False]))
    assert after.jump is None and after.needed > paging.needed


def test_what_a_run_is_expected_to_hold_comes_from_all_of_it() -> None:
    jump = Jump(np.arange(100), low=50, sampled=(3, 20, 49, 70), sampled_good=(True, False, True, False))
    assert expected_wrong(jump) == pytest.approx(1.5 / 4)


def test_the_same_paging_draws_the_same_sample_and_another_one_others() -> None:
    paging = Paging(page=10, jump=Jump(np.arange(200), low=150, high=160))
    drawn = [paging.next_step(np.arange(200))[1] for _ in range(2)]
    assert drawn[0] is not None and drawn[1] is not None and drawn[0].kind == "sample"
    assert drawn[0].ids.tolist() == drawn[1].ids.tolist()
    other = Paging(page=10, jump=Jump(np.arange(5, 205), low=150, high=160)).next_step(np.arange(200))[1]
    assert other is not None and other.ranks != drawn[0].ranks


def test_a_probe_tells_how_many_it_has_passed_over() -> None:
    paging, step = Paging(page=10, good_pages=3).next_step(np.arange(1000))
    assert step is not None and (step.kind, step.run) == ("probe", 80)
    paging, step = paging.after(step, np.ones(10, bool)).next_step(np.arange(1000))
    assert step is not None and (step.kind, step.ranks[0], step.run) == ("probe", 180, 90)
    _, step = paging.after(step, np.zeros(10, bool)).next_step(np.arange(1000))
    assert step is not None and (step.kind, step.ranks[0], step.run) == ("probe", 135, 45)
