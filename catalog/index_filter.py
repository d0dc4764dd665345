"""What the index knows of labels and sources, and the one place where a filter expression for Milvus is written.

The index holds a hint; the ledger decides. So a filter may let through too much, and never too little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Up to four labels and two sources are kept as plain INT64 columns: milvus-lite evaluates array functions row by row
# in Python (400 ms for 10,000 rows), comparisons of integers with Arrow (1 ms), and Milvus 2.3 has both.
LABEL_FIELDS = ("label_0", "label_1", "label_2", "label_3")
SOURCE_FIELDS = ("source_0", "source_1")
NONE = 0  # ids of labels and sources start at 1
MANY = -1  # more than there are columns: only the ledger knows


@dataclass(frozen=True)
class IndexFilter:
    """Which images to look among; conditions add up. The index answers with all of them and perhaps others.

    labels_any and sources: images with at least one of these; labels_none: with none of these; exclude: image ids to
    leave out; also: image ids to look among whatever the conditions on labels and sources say, because the index's copy
    of theirs is known to be old.
    """

    labels_any: tuple[int, ...] = ()
    labels_none: tuple[int, ...] = ()
    unlabelled: bool = False
    labelled: bool = False
    sources: tuple[int, ...] = ()
    exclude: tuple[int, ...] = ()
    also: tuple[int, ...] = ()


def columns(values: Iterable[int], width: int) -> tuple[int, ...]:
    """Return the ids in ascending order, filled up with NONE; MANY first when there are more than `width`."""
    ids = sorted(set(values))
    if ids and ids[0] < 1:
        raise ValueError(f"ids of labels and sources are 1 or more, not {ids[0]}")
    if len(ids) > width:
        return (MANY, *ids[: width - 1])
    return (*ids, *[NONE] * (width - len(ids)))


def expression(wanted: IndexFilter | None) -> str:
    """Return Milvus's filter expression; empty when there is no condition."""
    if wanted is None:
        return ""
    terms = []
    if wanted.labels_any:
        terms.append(_any_column(LABEL_FIELDS, wanted.labels_any))
    if wanted.labels_none:
        terms += [f"{field} not in {integers(wanted.labels_none)}" for field in LABEL_FIELDS]
    if wanted.unlabelled:
        terms.append(f"{LABEL_FIELDS[0]} == {_integer(NONE)}")
    if wanted.labelled:
        terms.append(f"{LABEL_FIELDS[0]} != {_integer(NONE)}")
    if wanted.sources:
        terms.append(_any_column(SOURCE_FIELDS, wanted.sources))
    if terms and wanted.also:
        terms = [f"({' and '.join(terms)} or id in {integers(wanted.also)})"]
    if wanted.exclude:
        terms.append(f"id not in {integers(wanted.exclude)}")
    return " and ".join(terms)


def integers(values: Iterable[int]) -> str:
    """Return a list literal of integers: the only kind of value that a filter of ours can hold."""
    return "[" + ", ".join(_integer(value) for value in values) + "]"


def _any_column(fields: tuple[str, ...], ids: tuple[int, ...]) -> str:
    first = f"{fields[0]} in {integers((MANY, *ids))}"
    return "(" + " or ".join([first, *(f"{field} in {integers(ids)}" for field in fields[1:])]) + ")"


def _integer(value: int) -> str:
    # Text that looks like a number, floats and booleans are refused: an expression is code, and what is quoted wrongly
    # in a filter has deleted whole collections.
    if type(value) is not int:
        raise TypeError(f"a filter holds integers, not {type(value).__name__}")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{value} does not fit an INT64 column")
    return str(value)
