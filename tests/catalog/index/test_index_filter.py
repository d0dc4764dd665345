"""Nothing but integers comes into a filter expression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.index_filter import LABEL_FIELDS, MANY, IndexFilter, columns, expression, integers


def test_expressions() -> None:
    assert expression(None) == ""
    assert expression(IndexFilter()) == ""
    assert expression(IndexFilter(also=(3,))) == ""
    assert expression(IndexFilter(unlabelled=True)) == "label_0 == 0"
    assert expression(IndexFilter(labelled=True, exclude=(5, 6))) == "label_0 != 0 and id not in [5, 6]"
    assert expression(IndexFilter(labels_none=(7, 8))) == " and ".join(f"label_{n} not in [7, 8]" for n in range(4))
    assert expression(IndexFilter(sources=(4,), also=(9,))) == (
        "((source_0 in [-1, 4] or source_1 in [4]) or id in [9])"
    )
    assert expression(IndexFilter(sources=(4,), unlabelled=True, also=(9,), exclude=(1,))) == (
        "(label_0 == 0 and (source_0 in [-1, 4] or source_1 in [4]) or id in [9]) and id not in [1]"
    )


@pytest.mark.parametrize(
    "value", ["1", "1] or id > 0 or id in [1", 1.0, True, None, np.int64(1), b"1", [1], 2**63, -(2**63) - 1]
)
def test_other_values_are_refused(value: Any) -> None:
    for wanted in (
        IndexFilter(labels_any=(value,)),
        IndexFilter(labels_none=(value,)),
        IndexFilter(sources=(value,)),
        IndexFilter(exclude=(value,)),
        IndexFilter(unlabelled=True, also=(value,)),
    ):
        with pytest.raises((TypeError, ValueError)):
            expression(wanted)
    with pytest.raises((TypeError, ValueError)):
        integers([value])


@given(st.sets(st.integers(1, 2**62), max_size=9))
def test_columns_hold_all_or_say_that_there_are_more(ids: set[int]) -> None:
    row = columns(ids, len(LABEL_FIELDS))
    assert len(row) == len(LABEL_FIELDS)
    if len(ids) <= len(LABEL_FIELDS):
        assert {value for value in row if value} == ids
    else:
        assert row[0] == MANY
    assert (row[0] == 0) == (not ids)


def test_ids_start_at_one() -> None:
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="1 or more"):
            columns([3, wrong], 4)
