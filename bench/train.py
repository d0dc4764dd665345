"""`ruiji bench train`: two-view images a second of our training step against lightly's documented loop, in one run.

The peer is the loop of lightly's SimCLR page: a DataLoader with a process on every core, SimCLRTransform on Pillow
images, two forwards, NTXentLoss, SGD. It gets the same network, batch, picture size, number format and memory layout
as ours, so the ratio is that of making views and feeding them. Both hold their decoded pictures in memory.
share_of_forward_backward compares our whole step with the same step on views that are ready.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from lightly.loss import NTXentLoss
from lightly.transforms.simclr_transform import SimCLRTransform
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler

from bench.lightly_loop import InMemory
from bench.pictures import scene_pictures
from bench.record import RESULTS, publish
from bench.repeat import interleave, median_ratio, medians
from encoder.architecture import Architecture, Backbone, Stem
from encoder.model import SimCLR
from encoder.provenance import hardware
from encoder.step import Step
from encoder.training.config import TrainConfig
from encoder.training.device import computes_bfloat16
from encoder.training.optimisers import parameter_groups
from encoder.training.store import channel_statistics
from encoder.view_config import ViewConfig

PICTURES = 4096

# The defaults of lightly's SimCLRTransform, blur included.
LIGHTLY_VIEWS = ViewConfig(
    crop_scale=(0.08, 1.0), brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, grayscale=0.2, blur=0.5
)


@dataclass(frozen=True)
class Setting:
    """One network and batch; `steps` of each side make one measurement."""

    architecture: Architecture
    batch_size: int
    steps: int
    peer_steps: int
    bfloat16: bool
    device: torch.device


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(prog="ruiji bench train", description=__doc__)
    parser.add_argument("--backbone", choices=get_args(Backbone), default="resnet18")
    parser.add_argument("--stem", choices=get_args(Stem), default="small-pool2")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=512 if gpu else 128)
    parser.add_argument("--steps", type=int, default=40 if gpu else 4, help="of ours in one measurement")
    parser.add_argument("--peer-steps", type=int, default=12 if gpu else 4)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    parser.add_argument("--name", default="train", help="of the JSON file")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    chosen = parser.parse_args(argv)
    device = torch.device(chosen.device)
    setting = Setting(
        architecture=Architecture(backbone=chosen.backbone, stem=chosen.stem, input_size=chosen.size),
        batch_size=chosen.batch_size,
        steps=chosen.steps,
        peer_steps=chosen.peer_steps,
        bfloat16=computes_bfloat16(device),
        device=device,
    )
    figures = measure(setting, scene_pictures(count=PICTURES, side=chosen.size), repetitions=chosen.repetitions)
    publish(
        chosen.name,
        figures,
        folder=chosen.out,
        device=hardware(device),
        network=f"{chosen.backbone}, {chosen.stem}",
        picture_size=f"{chosen.size}x{chosen.size}",
        batch_size=chosen.batch_size,
        bfloat16=setting.bfloat16,
        peer="lightly's loop: DataLoader on all cores, SimCLRTransform, NTXentLoss, same network and number format",
        repetitions=chosen.repetitions,
    )
    return 0


def measure(setting: Setting, pictures: NDArray[np.uint8], *, repetitions: int) -> dict[str, float]:
    """Images a second, where an image is two views of it, and views a second."""
    step = our_step(setting, pictures)
    data = torch.from_numpy(pictures).to(setting.device)
    batch = setting.batch_size
    batches = [data[start : start + batch] for start in range(0, len(data) - batch + 1, batch)]
    ready = step.make_both_views(batches[0]).clone(memory_format=torch.preserve_format)
    turns = itertools.cycle(batches)
    rate = 0.01
    for _ in range(3):  # kernels are chosen, and compiled, now
        step(next(turns), learning_rate=rate)
    peer = Peer(setting, pictures)
    found = interleave(
        {
            "ours": partial(per_second, setting, lambda: step(next(turns), learning_rate=rate), setting.steps),
            "bare": partial(per_second, setting, lambda: step.update(ready, learning_rate=rate), setting.steps),
            "views": partial(per_second, setting, lambda: step.make_both_views(next(turns)), setting.steps),
            "peer": partial(peer.per_second, training=True),
            "peer_views": partial(peer.per_second, training=False),
        },
        repetitions=repetitions,
    )
    middle = medians(found)
    return {
        "images_per_s": middle["ours"],
        "peer_images_per_s": middle["peer"],
        "ratio": median_ratio(found["ours"], found["peer"]),
        "views_per_s": 2 * middle["views"],
        "peer_views_per_s": 2 * middle["peer_views"],
        "views_ratio": median_ratio(found["views"], found["peer_views"]),
        "forward_backward_images_per_s": middle["bare"],
        "share_of_forward_backward": median_ratio(found["ours"], found["bare"]),
    }


def per_second(setting: Setting, work: Callable[[], object], steps: int) -> float:
    """Images a second over some steps, the device waited for at both ends."""
    wait(setting.device)
    started = time.perf_counter()
    for _ in range(steps):
        work()
    wait(setting.device)
    return steps * setting.batch_size / (time.perf_counter() - started)


def wait(device: torch.device) -> None:
    """Until the device has done all that it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def fresh_model(setting: Setting) -> SimCLR:
    """The same random weights for both sides."""
    torch.manual_seed(1)
    return SimCLR(setting.architecture).to(setting.device).to(memory_format=torch.channels_last)


def our_step(setting: Setting, pictures: NDArray[np.uint8]) -> Step:
    """The step that training uses, with lightly's strengths of the views."""
    config = TrainConfig(batch_size=setting.batch_size, bfloat16=setting.bfloat16)
    step = Step(
        fresh_model(setting),
        config,
        views=LIGHTLY_VIEWS,
        statistics=channel_statistics(pictures),
        device=setting.device,
        draws=torch.Generator().manual_seed(1),
    )
    step.network.train()
    return step


class Peer:
    """lightly's loop, measured in its steady state."""

    def __init__(self, setting: Setting, pictures: NDArray[np.uint8]) -> None:
        self._setting = setting
        transform = SimCLRTransform(input_size=setting.architecture.input_size)
        self._data = InMemory(pictures, transform)
        self._model = fresh_model(setting).train()
        self._criterion = NTXentLoss(temperature=TrainConfig().temperature)
        self._optimiser = torch.optim.SGD(parameter_groups(self._model, 1e-4), lr=0.01, momentum=0.9)

    def per_second(self, *, training: bool) -> float:
        """Images a second of a fresh loader, once what its processes had made ahead is used up.

        Its processes end with the measurement, so that none works ahead while the other side is measured.
        """
        workers = os.cpu_count() or 1
        loader = DataLoader(
            self._data,
            batch_size=self._setting.batch_size,
            sampler=RandomSampler(self._data, replacement=True, num_samples=10**8),
            num_workers=workers,
            pin_memory=self._setting.device.type == "cuda",
        )
        batches = iter(loader)
        work = (lambda: self._train(next(batches))) if training else (lambda: next(batches))
        for _ in range(workers * 2):  # DataLoader's prefetch_factor
            work()
        return per_second(self._setting, work, self._setting.peer_steps)

    def _train(self, batch: Sequence[Tensor]) -> None:
        device = self._setting.device
        views = [part.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last) for part in batch]
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._setting.bfloat16):
            one, two = (self._model(part) for part in views)
        loss = self._criterion(one.float(), two.float())
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()


if __name__ == "__main__":
    raise SystemExit(main())
