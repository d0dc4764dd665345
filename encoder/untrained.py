"""What any training has to beat: the network with random weights, without and with an output transform fitted to it."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.architecture import Architecture
from encoder.evaluate import Labels, precision_at_k
from encoder.export import FEATURES
from encoder.folder import OutputTransform, save_encoder
from encoder.model import SimCLR
from encoder.openvino_engine import OpenVinoEngine
from encoder.output import fit_output, layer_widths, pass_through

FIT_PICTURES = 10_000  # for the output transform: 11 pictures a column
SEEDS = (0, 1, 2)

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def fit_model(
    model: SimCLR,
    pictures: NDArray[np.uint8],
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    power: float | None,
) -> OutputTransform | None:
    """The output transform of a model, from at most FIT_PICTURES of the (n, s, s, 3) pictures; None without a power."""
    if power is None:
        return None
    widths = layer_widths(model.architecture.dimension())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "plain"
        plain = pass_through(sum(widths))
        save_encoder(folder, model, name="plain", mean=mean, std=std, training={}, metrics={}, output=plain)
        engine = OpenVinoEngine(folder, ranges=None, tensor=FEATURES)
        some = np.ascontiguousarray(pictures[:: max(1, len(pictures) // FIT_PICTURES)])
        return fit_output(engine.embed(some), widths=widths, power=power)


def untrained_precision(
    architecture: Architecture,
    pictures: NDArray[np.uint8],
    labels: Labels,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    power: float | None,
    k: int = 10,
) -> float:
    """Precision@k of random weights, median of three seeds; with a power, behind a transform fitted on `pictures`."""

    def figure(embed: Embed) -> float:
        return precision_at_k(embed(pictures), labels, k=k)

    return untrained(figure, architecture, pictures, mean=mean, std=std, power=power)


def untrained(
    figure: Callable[[Embed], float],
    architecture: Architecture,
    pictures: NDArray[np.uint8],
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    power: float | None,
) -> float:
    """Any figure of random weights, median of three seeds; with a power, behind a transform fitted on `pictures`."""
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = SimCLR(architecture).eval()
        output = fit_model(model, pictures, mean=mean, std=std, power=power)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "random"
            save_encoder(folder, model, name="random", mean=mean, std=std, training={}, metrics={}, output=output)
            found.append(figure(OpenVinoEngine(folder, ranges=None).embed))
    return statistics.median(found)
