"""What a search finds: precision, recall and average precision of each class, and of groups of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.evaluate import Labels, Vectors

DEPTHS = (10, 100)
QUERIES = 100  # of each class


@dataclass(frozen=True)
class Found:
    """Shares by depth k: of the first k that are right, of all right ones that are among the first k; and over all."""

    precision: Mapping[int, float]
    recall: Mapping[int, float]
    average_precision: float
    queries: int


@dataclass(frozen=True)
class GroupFound:
    """A group of classes: the mean over its classes, and how many of the first k are of the group at all."""

    classes: Found
    same_group: Mapping[int, float]


@dataclass(frozen=True)
class Retrieval:
    """By class number, by group's name, and the mean over the classes."""

    classes: Mapping[int, Found]
    groups: Mapping[str, GroupFound]
    mean: Found


def retrieval(
    vectors: Vectors,
    labels: Labels,
    *,
    groups: Mapping[str, Sequence[int]] | None = None,
    depths: Sequence[int] = DEPTHS,
    queries: int = QUERIES,
    seed: int = 0,
) -> Retrieval:
    """Of each class at most `queries` random pictures ask; all other pictures, (n, d) unit rows, are searched.

    `groups` holds the class numbers of each group. A class with one picture can find nothing and is left out; raises
    ValueError when no class has two.
    """
    members_of = {name: np.isin(labels, list(numbers)) for name, numbers in (groups or {}).items()}
    rng = np.random.default_rng(seed)
    classes: dict[int, Found] = {}
    kin: dict[int, dict[str, dict[int, float]]] = {}
    for label in np.unique(labels).tolist():
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            continue
        chosen = rng.permutation(members)[:queries]
        order = _ranking(vectors, chosen)
        classes[label] = _found(labels[order] == label, relevant_in_all=len(members) - 1, depths=depths)
        kin[label] = {name: _shares(flags[order], depths) for name, flags in members_of.items() if flags[members[0]]}
    if not classes:
        raise ValueError("no class has two pictures: a search cannot find a second one of any")
    grouped: dict[str, GroupFound] = {}
    for name in members_of:
        inside = [label for label, of_class in kin.items() if name in of_class]
        if inside:
            same = {k: float(np.mean([kin[label][name][k] for label in inside])) for k in depths}
            grouped[name] = GroupFound(_mean([classes[label] for label in inside]), same)
    return Retrieval(classes, grouped, _mean(list(classes.values())))


def _ranking(vectors: Vectors, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """The other pictures, nearest first, (len(chosen), n - 1)."""
    scores = vectors[chosen] @ vectors.T
    scores[np.arange(len(chosen)), chosen] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :-1]  # the last is the query itself


def _shares(flags: NDArray[np.bool_], depths: Sequence[int]) -> dict[int, float]:
    return {k: float(flags[:, :k].mean()) for k in depths}


def _found(relevant: NDArray[np.bool_], *, relevant_in_all: int, depths: Sequence[int]) -> Found:
    counts = relevant.cumsum(axis=1)
    precision = counts / np.arange(1, relevant.shape[1] + 1)
    return Found(
        precision=_shares(relevant, depths),
        recall={k: float(relevant[:, :k].sum(axis=1).mean() / relevant_in_all) for k in depths},
        average_precision=float(((precision * relevant).sum(axis=1) / relevant_in_all).mean()),
        queries=len(relevant),
    )


def _mean(found: Sequence[Found]) -> Found:
    depths = list(found[0].precision)
    return Found(
        precision={k: float(np.mean([one.precision[k] for one in found])) for k in depths},
        recall={k: float(np.mean([one.recall[k] for one in found])) for k in depths},
        average_precision=float(np.mean([one.average_precision for one in found])),
        queries=sum(one.queries for one in found),
    )
