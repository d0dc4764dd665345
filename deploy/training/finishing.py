"""From the last checkpoint to an encoder that is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deploy.training.errors import NoTraining
from deploy.training.gathering import CLASS_NAMES, CLASSES, HELD_OUT, HELD_OUT_CLASSES
from deploy.training.sources import Pixels
from encoder.folder import EncoderInfo
from encoder.training.plan import PLAN, Plan, read_plan

if TYPE_CHECKING:
    from encoder.ship import Evaluation

ENCODER = "encoder"
# Of a class in what is held out: fewer say nothing. Of all: the nearest ten among them are counted.
LEAST_OF_CLASS, LEAST_IN_ALL = 5, 50
MOST_IN_BANK = 20_000


def ship(run: Path) -> EncoderInfo:
    """Write the encoder folder of a run's last checkpoint, measured with what was held out. Raises EncoderError.

    Without labels it is measured by how often a changed picture finds itself again.
    """
    # They load torch, which only this needs.
    from encoder.ship import power_after
    from encoder.ship import ship as ship_checkpoint
    from encoder.training.checkpoints import checkpoints

    plan = read_plan(run / PLAN)
    found = checkpoints(run)
    if not found:
        raise NoTraining(f"{run} holds no checkpoint; train it with: ruiji train --resume {run}")
    pictures = _open_pictures(run, plan)
    return ship_checkpoint(
        found[-1][1],
        run / ENCODER,
        name=plan.name,
        calibrate=pictures,
        evaluation=evaluation(run, pictures),
        power=power_after(plan.config.epochs),
        data=plan.data,
    )


def evaluation(run: Path, pictures: Pixels) -> Evaluation | None:
    """Labelled pictures that were trained on as a bank, those that were held out as queries; None when too few."""
    from encoder.ship import Evaluation

    if not (run / HELD_OUT).is_file():
        return None
    queries = np.load(run / HELD_OUT, allow_pickle=False)
    asked = np.load(run / HELD_OUT_CLASSES, allow_pickle=False)
    known = np.load(run / CLASSES, allow_pickle=False)
    names = json.loads((run / CLASS_NAMES).read_text(encoding="utf-8"))
    numbers, counts = np.unique(asked, return_counts=True)
    kept = np.array([one for one in numbers[counts >= LEAST_OF_CLASS].tolist() if (known == one).any()], dtype=np.int64)
    asking = np.isin(asked, kept)
    if len(kept) < 2 or asking.sum() < LEAST_IN_ALL:
        return None
    rows = np.flatnonzero(np.isin(known, kept))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:MOST_IN_BANK])
    return Evaluation(
        bank=np.ascontiguousarray(pictures[rows]),
        bank_labels=np.searchsorted(kept, known[rows]),
        queries=queries[asking],
        query_labels=np.searchsorted(kept, asked[asking]),
        names=tuple(names[one] for one in kept.tolist()),
    )


def figures(info: EncoderInfo) -> list[str]:
    """Lines for a person: how good it is, and what the same network was before any training."""
    metrics = info.metrics
    if "knn_accuracy" in metrics:
        return [
            f"measured with {metrics['pictures']['queries']:,} labelled pictures that it was not trained on:",
            f"  kNN {metrics['knn_accuracy']:.3f}, linear probe {metrics['linear_probe']:.3f}",
            f"  of the ten nearest, {metrics['precision_at_10']:.3f} are of the same kind;"
            f" untrained {metrics['precision_at_10_random_weights']:.3f}",
        ]
    return [
        "measured without labels (--labels-from-folders, or labels given on the page, would tell more):",
        f"  a changed picture finds itself again {metrics['finds_itself']:.0%} of the time;"
        f" untrained {metrics['finds_itself_random_weights']:.0%}",
    ]


def _open_pictures(run: Path, plan: Plan) -> Pixels:
    path = run / plan.pictures
    try:
        pictures: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise NoTraining(f"{path} cannot be read ({error}); begin the training again") from error
    return pictures
