"""Train an encoder without labels: SimCLR on an array of pictures, resumable, on a GPU or on CPU cores.

    python -m encoder.train --pictures photos.npy --out runs/cifar10 --epochs 30

`photos.npy` is (n, side, side, 3) uint8. The run folder receives a checkpoint after every epoch, or after every few
where an epoch takes seconds (the last three are kept),
and `log.jsonl`, a line an epoch; started again it goes on after the last whole checkpoint, and on a CPU the curve is
the one an uninterrupted run draws. Shipped encoder: ResNet-18, kNN and hours on its card in encoder/shipped/.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import torch

from encoder.folder import EncoderError, load_info
from encoder.model import Architecture, Backbone, SimCLR, Stem
from encoder.provenance import fingerprint, hardware
from encoder.start import lineage, load_backbone
from encoder.step import Method, Step, StepConfig, scheduled_rate
from encoder.view_draws import ViewConfig

KEEP_CHECKPOINTS = 3


@dataclass(frozen=True)
class TrainConfig:
    """One run. A checkpoint of a run with any other value, views or pictures refuses to go on."""

    method: Method = "simclr"
    backbone: Backbone = "resnet18"
    stem: Stem = "small-pool4"
    size: int = 32
    epochs: int = 30
    # 256 rather than the 512 of the study that Ruiji grew from: at 30 epochs the number of steps is what is short.
    batch_size: int = 256
    # Linear scaling, lr = base * batch / 256 (arXiv 1706.02677), base 0.3 as in SimCLR section 2.2.
    base_learning_rate: float = 0.3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup_share: float = 0.1
    # 0.2: between ImageNet's 0.1 and CIFAR-10's 0.5 at 1000 epochs (SimCLR, B.9); short runs like it sharper.
    temperature: float = 0.2
    projection_dimension: int = 128
    bfloat16: bool = True
    seed: int = 1
    parent: str = ""  # id of the encoder folder that the backbone comes from; empty: random weights

    def architecture(self) -> Architecture:
        """The network that this run trains."""
        return Architecture(backbone=self.backbone, stem=self.stem, input_size=self.size)

    def step(self) -> StepConfig:
        """What each step has to know."""
        return StepConfig(**{field.name: getattr(self, field.name) for field in dataclasses.fields(StepConfig)})


class TrainingError(Exception):
    """A run cannot start or go on; the message names the file or value and the remedy."""


def learning_rate(config: TrainConfig, *, step: int, total: int) -> float:
    """Of one step out of `total`."""
    base, share = config.base_learning_rate, config.warmup_share
    return scheduled_rate(base, batch_size=config.batch_size, warmup_share=share, step=step, total=total)


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; a CPU without them takes eight times as long as in fp32."""
    if device.type != "cpu":
        return True
    # get_capabilities is newer than the oldest torch that is supported; without it fp32 is the safe answer.
    tell = getattr(torch.cpu, "get_capabilities", None)
    known = tell() if tell else {}
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def channel_statistics(pictures: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel in [0, 1], from at most 10,000 pictures."""
    sample = np.asarray(pictures[:: max(1, len(pictures) // 10_000)], dtype=np.float64) / 255
    mean, std = sample.mean(axis=(0, 1, 2)), sample.std(axis=(0, 1, 2))
    return tuple(float(v) for v in mean.round(4)), tuple(float(v) for v in np.maximum(std, 1e-3).round(4))


def save_checkpoint(folder: Path, state: dict[str, Any], *, epoch: int) -> None:
    """Write a checkpoint so that a crash leaves either the whole new file or none, then drop the oldest."""
    target = folder / f"checkpoint-{epoch:05d}.pt"
    partial = target.with_suffix(".partial")
    with partial.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(target)
    for old in sorted(folder.glob("checkpoint-*.pt"))[:-KEEP_CHECKPOINTS]:
        old.unlink()


def load_checkpoint(folder: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The newest readable checkpoint in the folder, or None; TrainingError when it does not agree with `identity`.

    Tensors and plain values only: no code is unpickled.
    """
    for path in sorted(folder.glob("checkpoint-*.pt"), reverse=True):
        try:
            state = cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # any damage means the one before it is used
            print(f"{path}: not readable ({error}); trying the one before it", flush=True)
            continue
        if different := [name for name, value in identity.items() if state.get(name) != value]:
            raise TrainingError(f"{path} belongs to a run with other {' and '.join(different)}; choose another --out")
        return state
    return None


def train(
    pictures: np.ndarray[Any, np.dtype[np.uint8]],
    *,
    config: TrainConfig,
    views: ViewConfig,
    out: Path,
    device: torch.device,
    start_from: Path | None = None,
    checkpoint_every: int = 1,
) -> SimCLR:
    """Train until `config.epochs`, from the newest checkpoint in `out` if there is one; returns the model.

    A checkpoint is written after every `checkpoint_every` epochs and after the last.
    `start_from` is an encoder folder whose backbone a new run begins with; `config.parent` is its id.
    Raises TrainingError when there are fewer pictures than one batch, or when the loss is no longer a number, and
    EncoderError when `start_from` cannot be used.
    """
    if len(pictures) < config.batch_size:
        raise TrainingError(f"{len(pictures)} pictures are fewer than one batch of {config.batch_size}")
    if config.bfloat16 and device.type == "cpu" and config.architecture().last_map_side() < 2:
        # torch 2.15 (oneDNN) then leaves the gradient of kernel rows that only see padding unset: weights of 1e15.
        raise TrainingError(f"{config.size} px are too few for bfloat16 on a CPU; add --no-bfloat16")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    model = SimCLR(config.architecture(), projection_dimension=config.projection_dimension)
    parent = lineage(load_backbone(model, start_from)) if start_from else None
    model = model.to(device).to(memory_format=torch.channels_last)
    statistics = channel_statistics(pictures)
    generator = torch.Generator().manual_seed(config.seed)
    step = Step(model, config.step(), views=views, statistics=statistics, device=device, draws=generator)
    data = torch.from_numpy(np.array(pictures)).to(device)

    identity = {
        "config": dataclasses.asdict(config),
        "views": dataclasses.asdict(views),
        "pictures": fingerprint(pictures),
    }
    first_epoch = 0
    state = load_checkpoint(out, identity)
    if state is not None:
        model.load_state_dict(state["model"])
        step.optimiser.load_state_dict(state["optimiser"])
        generator.set_state(state["generator"])
        first_epoch = int(state["epoch"])
    steps_per_epoch = len(data) // config.batch_size
    total_steps = steps_per_epoch * config.epochs

    for epoch in range(first_epoch, config.epochs):
        model.train()
        step.network.train()
        started = time.monotonic()
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(config.seed * 100_003 + epoch))
        order = order.to(device)
        running = torch.zeros((), device=device)
        for index in range(steps_per_epoch):
            rate = learning_rate(config, step=epoch * steps_per_epoch + index, total=total_steps)
            chosen = order[index * config.batch_size : (index + 1) * config.batch_size]
            loss, projected = step(data[chosen], learning_rate=rate)
            running += loss
        mean_loss = float(running) / steps_per_epoch
        if not math.isfinite(mean_loss):
            raise TrainingError(f"the loss is {mean_loss} in epoch {epoch + 1}; lower --base-learning-rate")
        seconds = time.monotonic() - started
        spread = float(torch.nn.functional.normalize(projected, dim=1).std(dim=0).mean())
        line = {
            "epoch": epoch + 1,
            "loss": round(mean_loss, 4),
            "learning_rate": round(rate, 5),
            "projection_std": round(spread, 5),
            "seconds": round(seconds, 1),
            "images_per_s": round(steps_per_epoch * config.batch_size / seconds, 1),
        }
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        if (epoch + 1) % checkpoint_every and epoch + 1 < config.epochs:
            continue
        save_checkpoint(
            out,
            {
                **identity,
                "parent": parent,
                "hardware": hardware(device),
                "epoch": epoch + 1,
                "model": model.state_dict(),
                "optimiser": step.optimiser.state_dict(),
                "generator": generator.get_state(),
                "mean": list(statistics[0]),
                "std": list(statistics[1]),
            },
            epoch=epoch + 1,
        )
    return model


def main(arguments: list[str] | None = None) -> None:
    """Command line of one training process."""
    parser = argparse.ArgumentParser(prog="python -m encoder.train", description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="(n, side, side, 3) uint8 array, .npy")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--start-from", type=Path, help="encoder folder to begin with instead of random weights")
    parser.add_argument("--checkpoint-every", type=int, default=1, metavar="EPOCHS")
    chosen = [field for field in dataclasses.fields(TrainConfig) if field.name != "parent"]
    for field in chosen:
        option = f"--{field.name.replace('_', '-')}"
        if field.name == "method":
            parser.add_argument(option, choices=get_args(Method), default=field.default)
        elif field.name == "bfloat16":
            told = "by default where the device has instructions for it"
            parser.add_argument(option, action=argparse.BooleanOptionalAction, help=told)
        else:
            parser.add_argument(option, type=type(field.default), default=field.default)
    given = parser.parse_args(arguments)
    values = {field.name: getattr(given, field.name) for field in chosen}
    device = torch.device(given.device)
    if values["bfloat16"] is None:
        values["bfloat16"] = computes_bfloat16(device)
    pictures = np.load(given.pictures, mmap_mode="r", allow_pickle=False)
    try:
        parent = load_info(given.start_from).id if given.start_from else ""
        train(
            pictures,
            config=TrainConfig(**values, parent=parent),
            views=ViewConfig(),
            out=given.out,
            device=device,
            start_from=given.start_from,
            checkpoint_every=given.checkpoint_every,
        )
    except (EncoderError, TrainingError) as error:
        raise SystemExit(f"training stopped: {error}") from error


if __name__ == "__main__":
    main()
