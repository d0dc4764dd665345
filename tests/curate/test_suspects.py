"""Which images of a label are most likely wrong: found far before the rest, never vouched for by their own label."""

from __future__ import annotations

import numpy as np
import pytest

from curate.ranker import Vectors, unit
from curate.suspects import NONE_KNOWN, Others, _left_out, judge
from tests.curate.clusters import clusters

RNG = np.random.default_rng


def planted(*, spread: float = 0.9, wrong: int = 10, known: bool = True) -> tuple[Vectors, np.ndarray, Others]:
    """200 images of a label, the last `wrong` of them of other clusters; 800 others, of nine labels or of none."""
    vectors, classes = clusters([190 + wrong] + [100] * 9, spread=spread)
    own, rest = np.flatnonzero(classes == 0)[: 200 - wrong], np.flatnonzero(classes != 0)
    places = np.concatenate([own, rest[:wrong]])
    flags = np.arange(200) >= 200 - wrong
    labels = classes[rest[wrong:]] if known else np.full(len(rest) - wrong, NONE_KNOWN)
    return vectors[places], flags, Others(vectors[rest[wrong:]], labels)


def average_precision(scores: np.ndarray, wrong: np.ndarray) -> float:
    hits = wrong[np.argsort(scores)]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


@pytest.mark.parametrize("known", [True, False])
def test_wrong_images_come_far_before_the_rest(known: bool) -> None:
    members, wrong, others = planted(known=known)
    scores = judge(members, others, rng=RNG(0)).scores
    by_chance = np.mean([average_precision(RNG(seed).random(200), wrong) for seed in range(50)])
    assert average_precision(scores, wrong) > 8 * by_chance
    assert wrong[np.argsort(scores)[:20]].sum() >= 9, "nearly all of the ten are in the first tenth"


def test_no_image_vouches_for_itself() -> None:
    """Left out by the formula is left out by hand: the row is not there at all."""
    members, _, others = planted()
    answers, _ = _left_out(members, others)
    for row in (0, 57, 199):
        _, weights = _left_out(np.delete(members, row, axis=0), others)
        without = members[row].astype(np.float64) @ weights[:-1] + weights[-1]
        assert answers[row] == pytest.approx(without, abs=0.02)  # the balance of the sides is one image off
        plain = _in_sample(members, others)[row]
        assert abs(answers[row] - without).max() < 0.2 * abs(plain - without).max()


def _in_sample(members: Vectors, others: Others) -> np.ndarray:
    _, weights = _left_out(members, others)
    inside: np.ndarray = members.astype(np.float64) @ weights[:-1] + weights[-1]
    return inside


def test_labels_without_meaning_are_not_learned_by_heart() -> None:
    """Images that differ from the others in nothing: judged with their own label they would seem to fit."""
    vectors = unit(RNG(3).normal(size=(700, 256)).astype(np.float32))
    members, others = vectors[:100], Others(vectors[100:], np.full(600, NONE_KNOWN))
    answers, _ = _left_out(members, others)
    held_back, _ = _left_out(vectors[100:200], Others(vectors[:100], np.full(100, NONE_KNOWN)))
    inside = _in_sample(members, others)[:, 0].mean()
    assert answers[:, 0].mean() < inside - 0.3
    assert abs(held_back[:, 0].mean()) < 0.2


def test_more_images_are_placed_as_they_would_have_been_judged() -> None:
    members, _, others = planted()
    verdict = judge(members[:150], others, rng=RNG(0))
    placed, likeness = verdict.of(members[150:])
    judged = judge(members, others, rng=RNG(0))
    assert np.corrcoef(placed, judged.scores[150:])[0, 1] > 0.95
    assert np.corrcoef(likeness, judged.likeness[150:])[0, 1] > 0.95


def test_likeness_is_the_cosine_to_the_rest() -> None:
    members, _, others = planted()
    likeness = judge(members, others, rng=RNG(0)).likeness
    rest = np.delete(members, 7, axis=0).sum(axis=0)
    assert likeness[7] == pytest.approx(float(members[7] @ rest / np.linalg.norm(rest)), abs=1e-5)


@pytest.mark.parametrize("many", [1, 2, 3, 21])
@pytest.mark.parametrize("rest", [0, 1, 30])
def test_few_images_break_nothing(many: int, rest: int) -> None:
    vectors = unit(RNG(1).normal(size=(many + rest, 16)).astype(np.float32))
    others = Others(vectors[many:] if rest else np.empty((0, 0), np.float32), np.full(rest, NONE_KNOWN))
    verdict = judge(vectors[:many], others, rng=RNG(0))
    assert np.isfinite(verdict.scores).all() and verdict.scores.shape == (many,)
    assert np.isfinite(verdict.likeness).all()


def test_the_same_image_many_times_over_breaks_nothing() -> None:
    same = np.repeat(np.eye(16, dtype=np.float32)[:1], 40, axis=0)
    verdict = judge(same, Others(same[:10], np.full(10, 5)), rng=RNG(0))
    assert np.isfinite(verdict.scores).all() and np.isfinite(verdict.likeness).all()
