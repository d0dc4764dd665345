"""One evaluation as it is kept in metrics.json: figures by name, what they were measured on, and how."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from encoder.evaluation.repeats import Accuracies, Spread
from encoder.evaluation.retrieval import Found, Retrieval
from encoder.folder import EncoderError

EVALUATIONS = "evaluations"  # of metrics.json: an evaluation for each set of data, by its name
LONGEST_NAME = 80
MOST_KEPT = 12


def as_record(
    *,
    accuracies: Accuracies,
    retrieval: Retrieval,
    classes: Sequence[str],
    data: str,
    engine: str,
    index_recall: float | None = None,
) -> dict[str, Any]:
    """Plain values for JSON; shares to four digits. `data` says in words what was asked, `engine` what embedded it."""
    record: dict[str, Any] = {
        "data": data,
        "engine": engine,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seeds": accuracies.seeds,
        "spread": accuracies.how,
        "pictures": {"learnt_from": accuracies.learnt_from, "asked": accuracies.asked},
        "knn": _spread(accuracies.knn),
        "mean": _found(retrieval.mean),
        "groups": {
            name: {**_found(one.classes), "same_group": _by_depth(one.same_group)}
            for name, one in retrieval.groups.items()
        },
        "classes": {classes[label]: _found(one) for label, one in retrieval.classes.items()},
    }
    if accuracies.probe is not None:
        record["linear_probe"] = {**_spread(accuracies.probe), "decay": accuracies.probe_decay}
    if index_recall is not None:
        record["index_recall_at_10"] = round(index_recall, 4)
    return record


def with_record(metrics: Mapping[str, Any], name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics with the evaluation on the data of this name, in place of an earlier one on the same; oldest go first.

    An encoder that was saved without figures gets its first ones from here. Raises EncoderError for a useless name.
    """
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise EncoderError(f"an evaluation's name has 1 to {LONGEST_NAME} visible characters; give one with --name")
    kept = {key: value for key, value in dict(metrics.get(EVALUATIONS, {})).items() if key != name}
    for oldest in list(kept)[: max(0, len(kept) + 1 - MOST_KEPT)]:
        del kept[oldest]
    headline = {
        "knn_accuracy": record["knn"]["mean"],
        "precision_at_10": record["mean"]["precision"].get("10"),
        "mean_average_precision": record["mean"]["average_precision"],
    }
    if "linear_probe" in record:
        headline["linear_probe"] = record["linear_probe"]["mean"]
    first = {} if "knn_accuracy" in metrics else {key: value for key, value in headline.items() if value is not None}
    return {**metrics, **first, EVALUATIONS: {**kept, name: dict(record)}}


def _spread(spread: Spread) -> dict[str, float]:
    return {key: round(value, 4) for key, value in dataclasses.asdict(spread).items()}


def _found(found: Found) -> dict[str, Any]:
    return {
        "precision": _by_depth(found.precision),
        "recall": _by_depth(found.recall),
        "average_precision": round(found.average_precision, 4),
    }


def _by_depth(shares: Mapping[int, float]) -> dict[str, float]:
    return {str(k): round(value, 4) for k, value in shares.items()}
