"""Replayed hunts: the person's time is counted as written, and feedback is worth it."""

from __future__ import annotations

import numpy as np
import pytest

from bench.rivals import STRATEGIES
from curate.finder import Found
from curate.paging import Step
from curate.replay import Costs, Outcome, preselection, replay
from tests.curate.clusters import clusters


def hunt(name: str, *, spread: float, sizes: list[int], target: int = 0, recall: float = 0.9) -> Outcome:
    vectors, classes = clusters(sizes, spread=spread)
    truth = classes == target
    rng = np.random.default_rng(5)
    strategy = STRATEGIES[name]
    return replay(
        strategy.finder(vectors, rng),
        truth,
        start=np.flatnonzero(truth)[:1],
        rng=rng,
        costs=strategy.costs(Costs()),
        jumps=strategy.jumps,
        recall=recall,
        check=name == "ours",
    )


def test_keys_are_the_fewest_that_do_it() -> None:
    truth = np.array([True, True, False, False])
    costs = Costs()
    assert costs.keys(truth, truth) == 1
    assert costs.keys(np.array([True, True, True, False]), truth) == 2
    assert costs.keys(~truth, truth) == 2, "invert and confirm"
    assert Costs(preselected=False).keys(truth, truth) == 3, "every right tile is clicked"


def test_a_page_arrives_as_the_cut_off_says_or_else_as_the_last_one_was() -> None:
    step = Step("page", np.array([4, 2, 9]))
    fitted = Found(np.array([4, 2, 9]), np.array([1.0, 0.5, -0.5], np.float32))
    assert preselection(step, fitted, mostly_wrong=True).tolist() == [True, True, False]
    assert preselection(step, Found(step.ids), mostly_wrong=False).tolist() == [True] * 3
    assert preselection(step, Found(step.ids), mostly_wrong=True).tolist() == [False] * 3


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_strategy_reaches_the_recall(name: str) -> None:
    outcome = hunt(name, spread=0.8, sizes=[150] * 6)
    assert not outcome.failed and outcome.recall >= 0.9
    assert outcome.precision >= 0.98
    assert outcome.seconds == pytest.approx(0.7 * outcome.clicks + 0.1 * outcome.looked)
    assert outcome.moments[-1].recall == pytest.approx(outcome.recall)
    assert (outcome.estimate is not None) == (name == "ours")


def test_feedback_saves_time() -> None:
    sizes = [200] * 10
    assert hunt("ours", spread=1.0, sizes=sizes).seconds < 0.7 * hunt("plain_topk", spread=1.0, sizes=sizes).seconds


def test_an_easy_class_is_accepted_in_jumps() -> None:
    sizes = [4000, 1000, 1000]
    ours, without = (hunt(name, spread=0.3, sizes=sizes) for name in ("ours", "logistic_regression"))
    assert ours.jumped > 2000 and ours.precision >= 0.98
    assert 3600 * ours.right / ours.seconds > 2 * 3600 * without.right / without.seconds
    assert 3600 * ours.right / ours.seconds > 16_000


def test_a_class_that_is_not_there_to_be_found_ends() -> None:
    truth = np.arange(60) < 30
    outcome = replay(
        lambda known, k: Found(np.empty(0, np.int64)),
        truth,
        start=np.flatnonzero(truth)[:1],
        rng=np.random.default_rng(0),
    )
    assert outcome.failed and outcome.labels == 0
