"""The ranker: what it learns from few examples, where it draws the line, and what it says to bad input."""

from __future__ import annotations

import time

import numpy as np
import pytest

from curate.finder import best, exact_search
from curate.ranker import Examples, NoPositives, Ranking, fit, unfitted, unit
from tests.curate.clusters import clusters

NONE = np.empty((0, 32), np.float32)


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    hits = truth[np.argsort(-scores)]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def test_rejected_images_make_the_ranking_better() -> None:
    vectors, classes = clusters([100] * 10, spread=0.9)
    truth = classes == 0
    positives, others = vectors[truth][:20], vectors[~truth]
    plain = unfitted(positives[:1]).scores(vectors)
    near = others[np.argsort(-(others @ positives[0]))[:60]]
    fitted = fit(Examples(positives, near, others[:100])).scores(vectors)
    assert average_precision(fitted, truth) > average_precision(plain, truth) + 0.1


def test_queries_have_length_one_and_scores_follow_the_cosine() -> None:
    vectors, classes = clusters([50] * 4)
    ranking = fit(Examples(vectors[classes == 0][:10], vectors[classes == 1][:10], vectors[:40]))
    assert np.linalg.norm(ranking.queries, axis=1) == pytest.approx(1.0, abs=1e-6)
    cosines = vectors @ ranking.queries[0]
    assert (np.argsort(ranking.scores(vectors)) == np.argsort(cosines)).all()
    assert ((ranking.scores(vectors) > 0) == (cosines > ranking.cutoffs[0])).all()


def test_the_cut_off_parts_what_can_be_parted() -> None:
    vectors, classes = clusters([200] * 5, spread=0.3)
    truth = classes == 2
    ranking = fit(Examples(vectors[truth][:40], vectors[~truth][:100], vectors[300:400]))
    assert ((ranking.scores(vectors) > 0) == truth).mean() > 0.98


def test_one_example_and_random_images_are_enough_to_begin() -> None:
    vectors, classes = clusters([100] * 5, spread=0.5)
    ranking = fit(Examples(vectors[classes == 1][:1], NONE, vectors[:100]))
    assert (classes[np.argsort(-ranking.scores(vectors))[:30]] == 1).mean() > 0.9


def test_without_anything_to_compare_with_the_mean_asks() -> None:
    vectors, classes = clusters([10, 10])
    positives = vectors[classes == 0]
    ranking = fit(Examples(positives))
    assert not ranking.fitted
    assert ranking.queries == pytest.approx(unit(positives.mean(axis=0, keepdims=True)), abs=1e-6)


def test_nothing_to_look_for_is_said_so() -> None:
    with pytest.raises(NoPositives, match="at least one image"):
        fit(Examples(NONE, np.eye(32, dtype=np.float32)))


def test_an_image_both_confirmed_and_rejected_breaks_nothing() -> None:
    one = np.eye(32, dtype=np.float32)[:1]
    ranking = fit(Examples(one, one))
    assert np.isfinite(ranking.queries).all() and np.isfinite(ranking.cutoffs).all()
    assert np.isfinite(ranking.scores(np.eye(32, dtype=np.float32))).all()


def test_a_fit_from_the_last_ranking_is_the_same_ranking() -> None:
    vectors, classes = clusters([200] * 5, spread=0.8)
    truth = classes == 0
    before = fit(Examples(vectors[truth][:60], vectors[~truth][:150], vectors[300:400]))
    examples = Examples(vectors[truth][:70], vectors[~truth][:200], vectors[300:400])
    cold, warm = fit(examples), fit(examples, before=before)
    assert float(cold.queries[0] @ warm.queries[0]) > 0.99
    assert warm.cutoffs == pytest.approx(cold.cutoffs, abs=0.02)


def test_several_queries_are_fused_by_their_log_odds() -> None:
    vectors = np.eye(4, dtype=np.float32)
    ranking = Ranking(vectors[:2], np.array([0.5, 0.9], np.float32), np.array([10.0, 1.0], np.float32))
    assert ranking.scores(vectors).tolist() == pytest.approx([5.0, 0.1, -0.9, -0.9], abs=1e-6)
    found = best(exact_search(vectors), ranking, k=3, excluded=np.array([1], np.int64))
    assert found.ids.tolist()[0] == 0 and len(found.ids) == 3 and 1 not in found.ids
    assert found.selected is not None and found.selected.tolist() == [True, False, False]


def test_a_thousand_examples_take_a_moment() -> None:
    vectors, classes = clusters([400] * 10, spread=1.2, dimension=512)
    truth = classes == 0
    examples = Examples(vectors[truth][:300], vectors[~truth][:700], vectors[~truth][700:900])
    before = fit(examples)
    took: dict[str, list[float]] = {"fit": [], "product": []}
    for _ in range(9):
        for name, work in (("fit", lambda: fit(examples, before=before)), ("product", lambda: vectors.T @ vectors)):
            started = time.process_time()
            work()
            took[name].append(time.process_time() - started)
    # Measured alone on one core: 5 ms; the product of all vectors with each other takes three times as long.
    assert min(took["fit"]) < 15 * min(took["product"]), took
