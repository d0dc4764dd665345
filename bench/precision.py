"""`ruiji bench precision`: how many of the ten nearest of a CIFAR-10 test photo are of its class, itself left out.

Every one of the 10,000 test photos asks. Beside the shipped encoder, with the engine that serves: the same network with
random weights, which any training has to beat. Labels are used here and nowhere in training.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from bench.record import RESULTS, publish
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from encoder.evaluate import precision_at_k, retrieval_by_class
from encoder.folder import EncoderInfo
from ingest.public.cifar10 import LABELS
from ingest.public.cifar10_source import Batch, obtain, read_batch, unpack
from ingest.transform import squares

FITTED_POWER = 0.25  # of the rival's output transform, as the shipped encoder's
K = 10
Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Vectors = np.ndarray[Any, np.dtype[np.float32]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench precision", description=__doc__)
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--from", dest="local", type=Path, help="a copy of CIFAR-10's archive, or its folder")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for precision.json")
    chosen = parser.parse_args(argv)
    photos = cifar("test_batch", chosen.local)
    embedder = Embedder.load(chosen.encoder)
    pictures = squares(photos.pictures, size=embedder.input_size)
    figures = measure(embedder, pictures, photos.labels)
    publish(
        "precision",
        figures,
        folder=chosen.out,
        engine=f"{embedder.engine} {embedder.precision}",
        encoder=embedder.info.id[:16],
        picture_size="32x32",
        input_size=embedder.input_size,
        photos=len(pictures),
        repetitions=3,
        data="CIFAR-10 test photos, every one a query, itself left out",
    )
    return 0


def measure(embedder: Embedder, pictures: Pixels, labels: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Any]:
    """Precision@10 of the encoder, by class, and of random weights without and with a fitted output transform."""
    vectors = embedder.embed(pictures)
    precision = precision_at_k(vectors, labels, k=K)
    plain, fitted = (untrained(embedder.info, pictures, labels, power=power) for power in (None, FITTED_POWER))
    by_class = retrieval_by_class(vectors, labels, k=K, queries=1000)
    return {
        "precision_at_10": precision,
        "random_weights_precision_at_10": plain,
        "ratio_to_random_weights": precision / plain,
        "random_weights_same_output_precision_at_10": fitted,
        "ratio_to_random_weights_same_output": precision / fitted,
        "by_class": {LABELS[label]: one.precision for label, one in by_class.items()},
        "mean_average_precision": float(np.mean([one.average_precision for one in by_class.values()])),
    }


def cifar(name: str, local: Path | None) -> Batch:
    """10,000 of CIFAR-10's photos by the name of their file, kept unpacked in the user's cache after the first time."""
    cache = user_cache_path("ruiji", appauthor=False) / "cifar10"
    if local is None and cache.is_dir():
        return read_batch(cache, name)
    if local is not None and local.is_dir():
        return read_batch(local, name)
    archive = obtain(cache.with_name("cifar10.download"), local=local)
    return read_batch(unpack(archive, cache), name)


def untrained(
    info: EncoderInfo, pictures: Pixels, labels: np.ndarray[Any, np.dtype[np.uint8]], *, power: float | None
) -> float:
    """Precision@10 of the encoder's network before any training."""
    # They load torch, which only this side needs.
    from encoder.architecture import Architecture
    from encoder.untrained import untrained_precision

    architecture = Architecture(**info.config["architecture"])
    return untrained_precision(architecture, pictures, labels, mean=info.mean, std=info.std, power=power, k=K)
