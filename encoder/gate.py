"""The gate of int8: how near it comes to fp32 on pictures that did not set its ranges."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.openvino_engine import OpenVinoEngine
from encoder.quantise import activation_ranges

LEAST_COSINE = 0.99
LEAST_OVERLAP = 0.95


@dataclass(frozen=True)
class Gate:
    """How near the int8 form is to fp32 on pictures that did not set its ranges."""

    mean_cosine: float
    top10_overlap: float  # mean share of the ten nearest neighbours that both forms agree on
    pictures: int
    passed: bool


def measure_gate(reference: NDArray[np.float32], quantised: NDArray[np.float32]) -> Gate:
    """Compare unit rows (n, d) of fp32 with those of int8 for the same n > 10 pictures."""
    cosine = float((reference * quantised).sum(axis=1).mean())
    overlap = float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(_ten(reference), _ten(quantised), strict=True)]))
    return Gate(
        mean_cosine=round(cosine, 5),
        top10_overlap=round(overlap, 4),
        pictures=len(reference),
        passed=cosine >= LEAST_COSINE and overlap >= LEAST_OVERLAP,
    )


def _ten(vectors: NDArray[np.float32]) -> list[list[int]]:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return [[int(i) for i in row] for row in np.argpartition(-scores, 10, axis=1)[:, :10]]


def calibrate_folder(
    folder: Path, *, pictures: NDArray[np.uint8], held_out: NDArray[np.uint8]
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Activation ranges from `pictures` and the gate's result on `held_out`, both for metrics and configuration.

    Needs model.onnx and model.safetensors in `folder`, not yet its configuration.
    """
    ranges = activation_ranges(folder, pictures)
    stored = {name: [round(low, 5), round(high, 5)] for name, (low, high) in ranges.items()}
    reference = OpenVinoEngine(folder, ranges=None).embed(held_out)
    engine = OpenVinoEngine(folder, ranges=ranges)
    gate = measure_gate(reference, engine.embed(held_out))
    return stored, {**asdict(gate), "int8_convolutions": engine.int8_convolutions()}
