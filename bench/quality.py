"""`ruiji bench quality`: kNN accuracy of our training and of lightly's own, on the same photos, epochs and batch.

Both train the same network on the same CIFAR-10 photos without labels, both from the same random weights of a seed;
ours with a preset of `ruiji train`, theirs with the loop and the values of lightly's benchmark for CIFAR-10. Then the
labels of the training photos vote on the test photos, on the backbone's plain output of both.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench import lightly_loop
from bench.precision import cifar
from bench.record import RESULTS, publish
from encoder.evaluate import knn_accuracy, precision_at_k
from encoder.methods.choice import build_model
from encoder.model import SimCLR
from encoder.presets import DEFAULT, PRESETS, Preset
from encoder.provenance import hardware
from encoder.training.loop import train
from encoder.training.store import channel_statistics
from ingest.public.cifar10_source import Batch
from ingest.transform import squares

ROWS = 500  # pictures embedded at once
Vectors = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Trained:
    """One side after one run."""

    knn: float
    precision: float  # of the ten nearest among the test photos
    seconds: float  # of training alone


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(prog="ruiji bench quality", description=__doc__)
    parser.add_argument("--preset", choices=tuple(PRESETS), default=DEFAULT)
    parser.add_argument("--epochs", type=int, default=5, help="of both")
    parser.add_argument("--batch-size", type=int, help="of both (default: the preset's)")
    parser.add_argument("--photos", type=int, default=10_000, help="training photos, and test photos at most")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    parser.add_argument("--from", dest="local", type=Path, help="a copy of CIFAR-10's archive, or its folder")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for quality.json")
    chosen = parser.parse_args(argv)
    preset = PRESETS[chosen.preset]
    config = dataclasses.replace(
        preset.config, epochs=chosen.epochs, batch_size=chosen.batch_size or preset.config.batch_size
    )
    device = torch.device(chosen.device)
    bank, asked = (
        first(cifar(name, chosen.local), chosen.photos, size=config.size) for name in ("data_batch_1", "test_batch")
    )
    figures = measure(
        dataclasses.replace(preset, config=config), bank, asked, seeds=range(1, chosen.seeds + 1), device=device
    )
    publish(
        "quality",
        figures,
        folder=chosen.out,
        data=f"CIFAR-10: {len(bank.pictures)} training photos (data_batch_1), {len(asked.pictures)} test photos ask",
        preset=chosen.preset,
        network=f"{config.backbone}, {config.stem}",
        picture_size=f"{config.size}x{config.size}",
        epochs=config.epochs,
        batch_size=config.batch_size,
        peer="lightly's benchmark for CIFAR-10: SimCLRTransform without blur, NTXentLoss, SGD 0.06, cosine",
        device=hardware(device),
        repetitions=chosen.seeds,
    )
    return 0


def measure(preset: Preset, bank: Batch, asked: Batch, *, seeds: Sequence[int], device: torch.device) -> dict[str, Any]:
    """Mean over the seeds of both sides, each side's seeds one by one, and random weights beside them."""
    found: dict[str, list[Trained]] = {"ours": [], "peer": [], "random": []}
    for seed in seeds:
        seeded = dataclasses.replace(preset, config=dataclasses.replace(preset.config, seed=seed))
        sides = {"ours": lambda seeded=seeded: ours(seeded, bank.pictures, device=device)}
        sides["peer"] = lambda seeded=seeded: peer(seeded, bank.pictures, device=device)
        sides["random"] = lambda seeded=seeded: (fresh(seeded).to(device), channel_statistics(bank.pictures))
        for side, work in sides.items():
            found[side].append(judged(work, bank, asked, device=device))
    knn = {side: [one.knn for one in runs] for side, runs in found.items()}
    return {
        "knn": float(np.mean(knn["ours"])),
        "peer_knn": float(np.mean(knn["peer"])),
        "random_weights_knn": float(np.mean(knn["random"])),
        "difference": float(np.mean(knn["ours"]) - np.mean(knn["peer"])),
        "knn_by_seed": [round(one, 4) for one in knn["ours"]],
        "peer_knn_by_seed": [round(one, 4) for one in knn["peer"]],
        "precision_at_10": float(np.mean([one.precision for one in found["ours"]])),
        "peer_precision_at_10": float(np.mean([one.precision for one in found["peer"]])),
        "seconds": float(np.median([one.seconds for one in found["ours"]])),
        "peer_seconds": float(np.median([one.seconds for one in found["peer"]])),
    }


Statistics = tuple[tuple[float, ...], tuple[float, ...]]
Side = Callable[[], tuple[SimCLR, Statistics]]


def judged(side: Side, bank: Batch, asked: Batch, *, device: torch.device) -> Trained:
    """Train one side and ask it; the numbers that normalise its pictures come with its network."""
    started = time.perf_counter()
    model, statistics = side()
    seconds = time.perf_counter() - started
    model.eval()
    voting, asking = (features(model, one.pictures, statistics, device=device) for one in (bank, asked))
    return Trained(
        knn_accuracy(voting, bank.labels, asking, asked.labels), precision_at_k(asking, asked.labels, k=10), seconds
    )


def fresh(preset: Preset) -> SimCLR:
    """The random weights of a seed, the same for every side."""
    torch.manual_seed(preset.config.seed)
    return build_model(preset.config)


def ours(preset: Preset, pictures: NDArray[np.uint8], *, device: torch.device) -> tuple[SimCLR, Statistics]:
    """As `ruiji train` does it, its checkpoints included."""
    with tempfile.TemporaryDirectory() as folder:
        model = train(pictures, config=preset.config, views=preset.views, out=Path(folder) / "run", device=device)
    return model, channel_statistics(pictures)


def peer(preset: Preset, pictures: NDArray[np.uint8], *, device: torch.device) -> tuple[SimCLR, Statistics]:
    """As lightly's benchmark does it."""
    config = preset.config
    model = fresh(dataclasses.replace(preset, config=dataclasses.replace(config, method="simclr")))
    lightly_loop.train(
        model, pictures, epochs=config.epochs, batch_size=config.batch_size, device=device, seed=config.seed
    )
    return model, (lightly_loop.MEAN, lightly_loop.STD)


def features(model: SimCLR, pictures: NDArray[np.uint8], statistics: Statistics, *, device: torch.device) -> Vectors:
    """(n, s, s, 3) uint8 -> unit rows of the backbone's output, (n, d)."""
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in statistics)
    rows = []
    with torch.no_grad():
        for start in range(0, len(pictures), ROWS):
            part = torch.from_numpy(pictures[start : start + ROWS]).to(device).permute(0, 3, 1, 2) / 255
            rows.append(torch.nn.functional.normalize(model.features((part - mean) / std)).cpu().numpy())
    return np.concatenate(rows)


def first(batch: Batch, count: int, *, size: int) -> Batch:
    """The first photos of a batch, in its published order, which is a random one; squares of `size` pixels."""
    return Batch(squares(np.ascontiguousarray(batch.pictures[:count]), size=size), batch.labels[:count])


if __name__ == "__main__":
    raise SystemExit(main())
