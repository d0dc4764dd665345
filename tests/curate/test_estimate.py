"""The estimate of what is left: right often enough, honest where it cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from curate.estimate import NOTHING, Estimate, Judged, draw_check, estimate_remaining


def world(seed: int, *, slope: float = 1.2, level: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of 6,000 images as a ranker gives them, best first, and whether each is of the class."""
    rng = np.random.default_rng(seed)
    odds = np.sort(rng.normal(-4.5, 1.3, 6000))[::-1].astype(np.float32)
    return odds, rng.random(6000) < 1 / (1 + np.exp(-(level + slope * (odds + 2) - 2)))


def hunt(seed: int, *, slope: float = 1.2) -> tuple[Estimate, int]:
    odds, truth = world(seed, slope=slope)
    shown, odds, truth = Judged(odds[:900], truth[:900]), odds[900:], truth[900:]
    places = draw_check(odds, shown, rng=np.random.default_rng(seed))
    rest = np.delete(truth, places)
    checked = Judged(odds[places], truth[places])
    found = int(shown.good.sum() + checked.good.sum())
    return estimate_remaining(np.delete(odds, places), shown=shown, checked=checked, found=found), int(rest.sum())


def test_the_interval_holds_the_truth_about_nine_times_in_ten() -> None:
    held = []
    for seed in range(40):
        estimate, left = hunt(seed, slope=1.0 + 0.4 * (seed % 3) / 2)
        assert estimate.tells and estimate.low <= estimate.remaining <= estimate.high
        held.append(estimate.low <= left <= estimate.high)
    assert np.mean(held) >= 0.8


def test_the_same_input_gives_the_same_estimate() -> None:
    assert hunt(3) == hunt(3)


def test_what_cannot_be_told_is_said_so() -> None:
    odds, truth = world(1)
    unchecked = estimate_remaining(odds, shown=Judged(odds, truth), checked=NOTHING, found=7)
    assert not unchecked.tells and "checked" in unchecked.reason and unchecked.found == 7
    early = Judged(odds[:100], np.ones(100, bool))
    checked = Judged(odds[-50:], truth[-50:])
    estimate = estimate_remaining(odds, shown=early, checked=checked, found=100)
    assert not estimate.tells and "still good" in estimate.reason


def test_when_every_image_is_decided_nothing_is_left() -> None:
    estimate = estimate_remaining(np.empty(0, np.float32), shown=NOTHING, checked=NOTHING, found=5)
    assert estimate == Estimate(5) and estimate.recall == (1.0, 1.0, 1.0)


def test_the_share_found_has_its_interval_the_right_way_round() -> None:
    assert Estimate(90, remaining=10, low=5, high=30).recall == pytest.approx((0.75, 0.9, 90 / 95))


def test_checks_are_drawn_where_they_tell_most_and_nowhere_not_at_all() -> None:
    odds, truth = world(2)
    shown = Judged(odds[:900], truth[:900])
    places = draw_check(odds[900:], shown, rng=np.random.default_rng(0), many=400)
    assert len(np.unique(places)) == 400
    assert (places < 1000).sum() > (places >= 4100).sum() > 0
    assert len(draw_check(odds[:50], shown, rng=np.random.default_rng(0))) == 50
