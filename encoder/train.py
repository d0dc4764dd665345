"""Train an encoder without labels: SimCLR on an array of pictures, resumable, on a GPU or on CPU cores.

    python -m encoder.train --pictures photos.npy --out runs/cifar10 --epochs 30

`photos.npy` is (n, side, side, 3) uint8. The run folder receives one checkpoint an epoch (the last three are kept)
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
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from lightly.loss import DCLLoss, NTXentLoss
from torch import Tensor

from encoder.folder import EncoderError, load_info
from encoder.model import Architecture, Backbone, SimCLR, Stem
from encoder.provenance import fingerprint, hardware
from encoder.small_maps import with_small_maps
from encoder.start import lineage, load_backbone
from encoder.views import ViewConfig, make_views

KEEP_CHECKPOINTS = 3

Method = Literal["simclr", "dcl"]


@dataclass(frozen=True)
class TrainConfig:
    """One run. A checkpoint of a run with any other value, views or pictures refuses to go on."""

    # "dcl" is SimCLR with the positive pair left out of the loss's denominator (arXiv 2110.06848, eq. 6): it needs
    # neither large batches nor many epochs to get as far.
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


class TrainingError(Exception):
    """A run cannot start or go on; the message names the file or value and the remedy."""


def learning_rate(config: TrainConfig, *, step: int, total: int) -> float:
    """Linear warm-up, then half a cosine down to zero (SimCLR, section 2.2)."""
    peak = config.base_learning_rate * config.batch_size / 256
    warmup = max(1, round(total * config.warmup_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


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


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: none on biases and batch norm, as in SimCLR's own code."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


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
) -> SimCLR:
    """Train until `config.epochs`, from the newest checkpoint in `out` if there is one; returns the model.

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
    model = model.to(device)
    model = model.to(memory_format=torch.channels_last)
    network = with_small_maps(model) if device.type == "cpu" else model
    optimiser = torch.optim.SGD(parameter_groups(model, config.weight_decay), lr=0.0, momentum=config.momentum)
    criterion = (DCLLoss if config.method == "dcl" else NTXentLoss)(temperature=config.temperature)
    generator = torch.Generator(device=device).manual_seed(config.seed)
    statistics = channel_statistics(pictures)
    mean, std = (torch.tensor(values, device=device) for values in statistics)
    data = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).contiguous().to(device)

    identity = {
        "config": dataclasses.asdict(config),
        "views": dataclasses.asdict(views),
        "pictures": fingerprint(pictures),
    }
    first_epoch = 0
    state = load_checkpoint(out, identity)
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        generator.set_state(state["generator"])
        first_epoch = int(state["epoch"])
    steps_per_epoch = len(data) // config.batch_size
    total_steps = steps_per_epoch * config.epochs

    for epoch in range(first_epoch, config.epochs):
        network.train()
        started = time.monotonic()
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(config.seed * 100_003 + epoch))
        running = torch.zeros((), device=device)
        for index in range(steps_per_epoch):
            rate = learning_rate(config, step=epoch * steps_per_epoch + index, total=total_steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            chosen = order[index * config.batch_size : (index + 1) * config.batch_size].to(device)
            batch = data[chosen]
            # Both views go through the network as one batch: one forward, and batch norm sees them together.
            both = torch.cat(
                [make_views(batch, views, size=config.size, mean=mean, std=std, generator=generator) for _ in "ab"]
            ).contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.bfloat16):
                projected = network(both)
            one, two = projected.float().chunk(2)
            loss: Tensor = criterion(one, two)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
            running += loss.detach()
        mean_loss = float(running) / steps_per_epoch
        if not math.isfinite(mean_loss):
            raise TrainingError(f"the loss is {mean_loss} in epoch {epoch + 1}; lower --base-learning-rate")
        seconds = time.monotonic() - started
        spread = float(torch.nn.functional.normalize(one.detach(), dim=1).std(dim=0).mean())
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
        save_checkpoint(
            out,
            {
                **identity,
                "parent": parent,
                "hardware": hardware(device),
                "epoch": epoch + 1,
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
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
        )
    except (EncoderError, TrainingError) as error:
        raise SystemExit(f"training stopped: {error}") from error


if __name__ == "__main__":
    main()
