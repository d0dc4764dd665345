"""Turn a training checkpoint into an encoder folder with int8 ranges, measurements and a card.

    python -m encoder.ship runs/cifar10/checkpoint-00030.pt encoder/shipped --name cifar10-simclr \\
        --calibrate train.npy --bank train.npy --bank-labels train_y.npy --queries test.npy --query-labels test_y.npy

Arrays are (n, side, side, 3) uint8 and (n,) integers. Labels only measure; nothing is fitted to them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.card import write_card
from encoder.embed import Embedder
from encoder.evaluate import knn_accuracy, linear_probe, precision_at_k, retrieval_by_class
from encoder.evaluation.same_picture import PICTURES, finds_itself, two_views
from encoder.folder import EncoderError, EncoderInfo, save_encoder, write_metrics
from encoder.methods.choice import build_model
from encoder.model import SimCLR
from encoder.training.config import TrainConfig
from encoder.training.log import read_log
from encoder.untrained import Embed, fit_model, untrained, untrained_precision
from encoder.view_config import ViewConfig

CALIBRATION_PICTURES = 2_000  # half set the ranges, half measure the gate
DEFAULT_POWER = 0.25  # docs/decisions/0004-output-transform.md
PLAIN_FROM = 100  # epochs after which layer4 is best as it is: docs/decisions/0012-plain-after-long-training.md


def power_after(epochs: int) -> float | None:
    """The power of the output transform that suits a training of this length; None for none."""
    return DEFAULT_POWER if epochs < PLAIN_FROM else None


@dataclass(frozen=True)
class Evaluation:
    """Pictures with labels, to measure with: a bank that votes and queries that ask."""

    bank: NDArray[np.uint8]
    bank_labels: NDArray[np.integer]
    queries: NDArray[np.uint8]
    query_labels: NDArray[np.integer]
    trained_on: bool = False  # whether the queries, without their labels, were among what was trained on
    names: tuple[str, ...] = ()  # of the classes; none: their numbers


def load_trained(path: Path) -> tuple[SimCLR, dict[str, Any]]:
    """The model of a checkpoint, ready to embed, and the checkpoint. Raises EncoderError."""
    try:
        state = cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
        model = build_model(TrainConfig(**state["config"]))
        model.load_state_dict(state["model"])
    except Exception as error:
        raise EncoderError(f"{path} is not a readable checkpoint ({error}); take the one before it") from error
    return model.eval(), state


def ship(
    checkpoint: Path,
    out: Path,
    *,
    name: str,
    calibrate: NDArray[np.uint8],
    evaluation: Evaluation | None,
    power: float | None,
    data: str,
) -> EncoderInfo:
    """Write the encoder folder `out`. Raises EncoderError."""
    model, state = load_trained(checkpoint)
    mean, std = tuple(state["mean"]), tuple(state["std"])
    output = fit_model(model, calibrate, mean=mean, std=std, power=power)
    training = {
        "epoch": state["epoch"],
        "config": state["config"],
        "views": state["views"],
        "parent": state["parent"],
        "data": {"description": data, "pictures": len(calibrate), "fingerprint": state["pictures"]},
        **_hours(checkpoint.parent, int(state["epoch"])),
        "hardware": state["hardware"],
    }
    training = cast(dict[str, Any], json.loads(json.dumps(training)))
    sample = np.random.default_rng(0).permutation(len(calibrate))[:CALIBRATION_PICTURES]
    info = save_encoder(
        out,
        model,
        name=name,
        mean=mean,
        std=std,
        training=training,
        metrics={},
        output=output,
        parent=state["config"]["parent"] or None,
        calibration=np.asarray(calibrate[np.sort(sample)])[np.random.default_rng(1).permutation(len(sample))],
    )
    if evaluation is not None:
        metrics = {**info.metrics, **measure(info, evaluation)}
        for key, used in (("random_weights", None), ("random_weights_same_output", power)):
            untrained = untrained_precision(
                model.architecture, evaluation.queries, evaluation.query_labels, mean=mean, std=std, power=used
            )
            metrics[f"precision_at_10_{key}"] = round(untrained, 4)
    else:
        metrics = {**info.metrics, **measure_without_labels(info, model, calibrate, state, power=power)}
    write_metrics(out, metrics)
    info = dataclasses.replace(info, metrics=metrics)
    write_card(info)
    return info


def measure_without_labels(
    info: EncoderInfo, model: SimCLR, pictures: NDArray[np.uint8], state: dict[str, Any], *, power: float | None
) -> dict[str, float]:
    """How often a changed picture finds its other changed copy among all others', and the same of random weights."""
    some = np.ascontiguousarray(pictures[:: max(1, len(pictures) // PICTURES)][:PICTURES])
    one, two = two_views(some, ViewConfig(**state["views"]), size=info.input_size)
    embedder = Embedder.load(info.path, engine="openvino", precision="fp32", device="cpu")

    def figure(embed: Embed) -> float:
        return finds_itself(embed, one, two)

    random = untrained(figure, model.architecture, some, mean=info.mean, std=info.std, power=power)
    return {"finds_itself": round(figure(embedder.embed), 4), "finds_itself_random_weights": round(random, 4)}


def measure(info: EncoderInfo, evaluation: Evaluation) -> dict[str, Any]:
    """Every figure of the card, by the fp32 graph, and the precision of the int8 one beside it."""
    embedder = Embedder.load(info.path, engine="openvino", precision="fp32", device="cpu")
    bank, queries = embedder.embed(evaluation.bank), embedder.embed(evaluation.queries)
    labels = evaluation.query_labels
    by_class = retrieval_by_class(queries, labels)
    metrics: dict[str, Any] = {
        "knn_accuracy": round(knn_accuracy(bank, evaluation.bank_labels, queries, labels), 4),
        "linear_probe": round(linear_probe(bank, evaluation.bank_labels, queries, labels), 4),
        "precision_at_10": round(precision_at_k(queries, labels, k=10), 4),
        "mean_average_precision": round(float(np.mean([c.average_precision for c in by_class.values()])), 4),
        "by_class": {
            (evaluation.names[label] if evaluation.names else str(label)): {
                key: round(value, 4) for key, value in dataclasses.asdict(c).items()
            }
            for label, c in by_class.items()
        },
        "pictures": {"bank": len(bank), "queries": len(queries), "trained_on": evaluation.trained_on},
    }
    if info.config["int8"] is not None:
        small = Embedder.load(info.path, engine="openvino", precision="int8", device="cpu").embed(evaluation.queries)
        metrics["precision_at_10_int8"] = round(precision_at_k(small, labels, k=10), 4)
    return metrics


def _hours(run: Path, epoch: int) -> dict[str, Any]:
    """Hours of training up to an epoch, from the run's log; nothing when it is not there."""
    seconds = [line["seconds"] for line in read_log(run) if line["epoch"] <= epoch]
    return {"hours": round(sum(seconds) / 3600, 2)} if seconds else {}


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m encoder.ship", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="cifar10-simclr")
    parser.add_argument("--calibrate", type=Path, required=True, help="training pictures, .npy")
    parser.add_argument("--data", default="CIFAR-10's training pictures without their labels")
    parser.add_argument("--whitening", type=float, default=DEFAULT_POWER, help="power of the output transform")
    parser.add_argument("--plain", action="store_true", help="no output transform: layer4, pooled")
    parser.add_argument("--bank", type=Path, help="pictures that vote in kNN, .npy")
    parser.add_argument("--bank-labels", type=Path)
    parser.add_argument("--queries", type=Path, help="pictures never trained on, .npy")
    parser.add_argument("--query-labels", type=Path)
    parser.add_argument("--queries-trained-on", action="store_true", help="the queries were trained on, without labels")
    given = parser.parse_args(arguments)
    paths = (given.bank, given.bank_labels, given.queries, given.query_labels)
    if any(paths) and not all(paths):
        parser.error("an evaluation needs --bank, --bank-labels, --queries and --query-labels")
    evaluation = None
    if all(paths):
        bank, bank_labels, queries, query_labels = (np.load(path, allow_pickle=False) for path in paths)
        evaluation = Evaluation(bank, bank_labels, queries, query_labels, trained_on=given.queries_trained_on)
    try:
        info = ship(
            given.checkpoint,
            given.out,
            name=given.name,
            calibrate=np.load(given.calibrate, mmap_mode="r", allow_pickle=False),
            evaluation=evaluation,
            power=None if given.plain else given.whitening,
            data=given.data,
        )
    except EncoderError as error:
        raise SystemExit(f"not shipped: {error}") from error
    print(json.dumps({"id": info.id, **info.metrics}))


if __name__ == "__main__":
    main()
