"""What is to be told of an encoder: how it was trained, and what was measured; None for what nobody has said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.encoders import Encoder


@dataclass(frozen=True)
class EncoderFacts:
    """`epochs` are those of all its training, parents' included; figures are shares, 0 to 1."""

    method: str | None
    backbone: str | None
    epochs: int | None
    parent: str | None
    parent_name: str | None
    knn: float | None
    linear_probe: float | None
    precision_at_10: float | None
    by_label: Mapping[str, float]


def facts(encoder: Encoder) -> EncoderFacts:
    """Read what the folder's configuration and metrics say; nobody promises that they say anything."""
    config, metrics = _mapping(encoder.config), _mapping(encoder.metrics)
    training = _mapping(config.get("training"))
    parent = _mapping(training.get("parent"))
    epoch = _number(training.get("epoch"))
    before = _number(parent.get("epochs_in_all")) or 0
    return EncoderFacts(
        method=_text(config.get("method")),
        backbone=_text(_mapping(config.get("architecture")).get("backbone")),
        epochs=None if epoch is None else int(epoch + before),
        parent=_text(config.get("parent")) or _text(parent.get("id")),
        parent_name=_text(parent.get("name")),
        knn=_share(metrics.get("knn_accuracy")),
        linear_probe=_share(metrics.get("linear_probe")),
        precision_at_10=_share(metrics.get("precision_at_10")),
        by_label=_by_label(metrics),
    )


def _by_label(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Precision@10 by class, of the latest evaluation; before the first, as the folder says it where it has names."""
    if evaluations := list(_mapping(metrics.get("evaluations")).values()):
        classes = _mapping(_mapping(evaluations[-1]).get("classes"))
        at_10 = {str(name): _mapping(_mapping(one).get("precision")).get("10") for name, one in classes.items()}
    else:
        by_class = _mapping(metrics.get("by_class"))
        # A bare number says nothing to a person.
        at_10 = {name: _mapping(one).get("precision") for name, one in by_class.items() if not str(name).isdigit()}
    return {name: share for name, value in at_10.items() if (share := _share(value)) is not None}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _share(value: Any) -> float | None:
    found = _number(value)
    return found if found is not None and 0 <= found <= 1 else None
