"""Encoders are switched while processes search: nothing fails, nothing is mixed, labels given meanwhile count for both.

The long form is `ruiji bench switch`: the same with more switches and searches.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.switch import check, prove
from bench.switch_searchers import Answer


def test_searches_go_on_under_their_own_encoders_name_while_encoders_are_switched(tmp_path: Path) -> None:
    found = prove(tmp_path.resolve(), pictures=60, switches=6, searches=96, processes=4)
    assert found["failed"] == 0, found["first_failure"]
    assert found["mixed"] == 0, found
    assert found["searches"] >= 96
    assert len(found["by_encoder"]) == 2 and min(found["by_encoder"].values()) >= 25, found
    assert found["told_apart"] > 0.9 * found["searches"], "the check would hardly notice a mixed answer"
    assert found["labels_found_by_both"] == found["labels_given"] == 18


def test_an_answer_that_does_not_follow_from_the_named_encoder_is_counted() -> None:
    random = np.random.default_rng(0)
    vectors = {}
    for name in ("a", "b"):
        rows = random.normal(size=(4, 8)).astype(np.float32)
        vectors[name] = dict(enumerate(rows / np.linalg.norm(rows, axis=1, keepdims=True)))

    def answer(named: str, scores_of: str) -> Answer:
        own = vectors[scores_of]
        return Answer(0, False, named, tuple((one, round(float(own[one] @ own[0]), 4)) for one in range(4)))

    done = check([answer("a", "a"), answer("b", "b"), answer("a", "b")], vectors)
    assert (done.searches, done.failed, done.mixed, done.by_encoder) == (3, 0, 1, {"a": 2, "b": 1})
    done = check([answer("c", "a"), Answer(0, True, "", (), failed="503"), Answer(0, True, "a", ())], vectors)
    assert (done.failed, done.mixed, done.first_failure) == (1, 2, "503")
