"""The output transform: pooled layer2 to layer4, balanced and partly whitened together, fitted without labels.

What it gains and what it was chosen over: docs/decisions/0004-output-transform.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoder.folder import OutputTransform

RIDGE = 1e-3  # of the mean eigenvalue, added to each: directions without variance are noise


def fit_output(features: NDArray[np.float32], *, widths: tuple[int, ...], power: float) -> OutputTransform:
    """Centre, scale each layer to the same variance, turn to the principal axes, divide by deviation ** `power`.

    features is (n, sum of widths), a block of columns a layer, n well above their number; as many axes are kept as
    the last layer has columns. Power 1 is whitening as in Jégou and Chum 2012 ("Negative evidences and
    co-occurrences in image retrieval", section 3), power 0 is principal components alone.
    """
    values = features.astype(np.float64)
    mean = values.mean(axis=0)
    scale = np.empty(len(mean))
    for end, width in zip(np.cumsum(widths), widths, strict=True):
        block = slice(end - width, end)
        scale[block] = 1 / np.sqrt(max(float(values[:, block].var(axis=0).sum()), 1e-12))
    spectrum, axes = np.linalg.eigh(np.cov((values - mean) * scale, rowvar=False))
    spectrum, axes = spectrum[::-1][: widths[-1]], axes[:, ::-1][:, : widths[-1]]
    deviation = np.sqrt(np.maximum(spectrum, 0) + RIDGE * spectrum.mean())
    matrix = scale[:, None] * axes * deviation**-power
    matrix /= np.abs(matrix).max()  # a common factor changes nothing after normalisation
    return OutputTransform(
        mean=mean.astype(np.float32),
        matrix=matrix.astype(np.float32),
        description={"kind": "pca-whitening", "power": power, "ridge": RIDGE, "fitted_on": len(features)},
    )


def layer_widths(dimension: int) -> tuple[int, int, int]:
    """Columns of pooled layer2, layer3 and layer4 of a ResNet: each layer doubles them."""
    return dimension // 4, dimension // 2, dimension


def pass_through(width: int) -> OutputTransform:
    """The transform that changes nothing, by which a graph's features are read to fit another."""
    return OutputTransform(
        mean=np.zeros(width, dtype=np.float32), matrix=np.eye(width, dtype=np.float32), description={"kind": "none"}
    )
