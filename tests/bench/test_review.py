"""The review benchmark on a folder of pictures, with the shipped encoder's vectors, small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.label_pool import Pool
from bench.review import Case, Outcome, cases, look, main, nearest_class, surroundings
from bench.review_orders import ORDERS
from curate.suspects import NONE_KNOWN
from tests.curate.clusters import clusters
from tests.photos import write_folder


def test_a_folder_is_looked_through_and_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "pictures", per_kind=50, labelled=True)
    folder = str(tmp_path / "pictures")
    assert main(["--folder", folder, "--out", str(tmp_path), "--seeds", "1", "--share", "0.1", "--small", "20"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result == json.loads((tmp_path / "review.json").read_text())
    assert set(result["by_order"]) == set(ORDERS)
    assert set(result["by_size"]) == {"20"}
    assert set(result["by_class"]) == {"sky", "grass", "brick"}
    assert result["found_in_first_tenth"] > 0.9 > 0.3 > result["by_order"]["random"]["found_in_first_tenth"]
    assert (result["labels"], result["share_wrong"]) == (12, 0.1)


@pytest.fixture(scope="module")
def pool() -> Pool:
    vectors, classes = clusters([100] * 4, spread=0.5)
    return Pool(vectors, classes.astype(np.int64), ("a", "b", "c", "d"))


def test_every_order_sees_the_same_mistakes(pool: Pool) -> None:
    case = Case(1, 1000, nearest=True, labelled=True)
    outcomes = look(pool, case, share=0.1)
    again = look(pool, case, share=0.1)
    assert set(outcomes) == set(ORDERS)
    for name, outcome in outcomes.items():
        assert (len(outcome.wrong), outcome.wrong.sum()) == (111, 11), name
        assert np.array_equal(outcome.wrong, again[name].wrong), "a measurement can be repeated"
    assert outcomes["ours"].found(22) > 0.8
    small = look(pool, Case(1, 1000, nearest=False, labelled=True, size=20), share=0.1)
    assert {(len(one.wrong), one.wrong.sum()) for one in small.values()} == {(22, 2)}


def test_what_was_found_is_counted() -> None:
    wrong = np.zeros(20, np.bool_)
    wrong[[0, 1, 9, 19]] = True
    outcome = Outcome(Case(0, 1, nearest=False, labelled=False), wrong, 0.0)
    assert [outcome.found(looks) for looks in (1, 2, 10, 60)] == [0.25, 0.5, 0.75, 1.0]
    assert (outcome.looks_for(0.5), outcome.looks_for(0.9)) == (0.1, 1.0)


def test_no_image_of_the_label_is_among_the_others(pool: Pool) -> None:
    members = np.arange(50, 160)
    for labelled in (True, False):
        others = surroundings(pool, members, target=0, labelled=labelled, rng=np.random.default_rng(0))
        assert len(others.vectors) == len(others.labels) == 290
        assert not (others.vectors @ pool.vectors[members].T > 0.99999).any()
        assert (others.labels != NONE_KNOWN).any() == labelled


def test_the_nearest_class_is_the_one_most_alike() -> None:
    rows = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2, 2]]
    rows[2:4, 0] = 0.5
    pool = Pool(rows, np.array([0, 0, 1, 1, 2, 2]), ("a", "b", "c"))
    assert nearest_class(pool, 0) == 1
    assert len(list(cases(3, 2))) == 3 * 2 * 2 * 2
