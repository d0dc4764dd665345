"""Encoders beside each other: the evaluation on the same data that all of them have, as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from deploy.evaluation.errors import NoEvaluation
from encoder.evaluation.record import EVALUATIONS
from encoder.folder import EncoderInfo

SHOWN_ID = 8


@dataclass(frozen=True)
class Compared:
    """An encoder and its evaluation; `epochs` are all that it was trained for, its parents' too."""

    name: str
    id: str
    epochs: int | None
    record: Mapping[str, Any]


def compared(encoders: Sequence[EncoderInfo], *, name: str | None) -> tuple[str, list[Compared]]:
    """The data's name, and each encoder's evaluation on it, by epochs; without a name the latest that all have.

    Raises NoEvaluation when there is none.
    """
    held = [list(one.metrics.get(EVALUATIONS, {})) for one in encoders]
    common = [one for one in held[0] if all(one in names for names in held)]
    chosen = name or (common[-1] if common else "")
    for one, names in zip(encoders, held, strict=True):
        if chosen not in names:
            what = f"{chosen!r}" if chosen else "data that the others were evaluated on"
            have = f"it has {', '.join(names)}" if names else "it has none"
            raise NoEvaluation(f"{one.name} ({one.id[:SHOWN_ID]}) has no evaluation on {what}; {have}; see ruiji eval")
    rows = [Compared(one.name, one.id, epochs_of(one.config), one.metrics[EVALUATIONS][chosen]) for one in encoders]
    return chosen, sorted(rows, key=lambda row: row.epochs or 0)


def epochs_of(config: Mapping[str, Any]) -> int | None:
    """Epochs of training with those of its parents, where the configuration says so."""
    training = config.get("training") or {}
    own = training.get("epoch")
    if not isinstance(own, int):
        return None
    return own + int((training.get("parent") or {}).get("epochs_in_all", 0))


def table(name: str, rows: Sequence[Compared]) -> Table:
    """A row an encoder: accuracies with their deviation, precision, average precision, and each group's."""
    groups = list(dict.fromkeys(group for row in rows for group in row.record["groups"]))
    heads = ["encoder", "epochs", "linear probe", "kNN", "precision@10", "mAP"]
    shown = Table(*heads, *(f"{group} mAP" for group in groups), title=f"on {name}", box=None, title_justify="left")
    for head in shown.columns:
        head.no_wrap = True
    for head in shown.columns[1:]:
        head.justify = "right"
    for row in rows:
        mean, found = row.record["mean"], row.record["groups"]
        shown.add_row(
            Text(f"{row.name} ({row.id[:SHOWN_ID]})"),
            "" if row.epochs is None else f"{row.epochs:,}",
            spread(row.record.get("linear_probe")),
            spread(row.record["knn"]),
            _share(mean["precision"].get("10")),
            _share(mean["average_precision"]),
            *(_share(found[group]["average_precision"]) if group in found else "" for group in groups),
        )
    return shown


def spread(value: Mapping[str, float] | None) -> str:
    """68.5 ± 0.3 %, or that it was not measured."""
    return "–" if value is None else f"{100 * value['mean']:.1f} ± {100 * value['std']:.1f} %"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
