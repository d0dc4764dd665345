"""Train an encoder without labels on an array of pictures: SimCLR, DCL, BYOL or MoCo; on a GPU, several, or CPU cores.

    python -m encoder.train --pictures photos.npy --out runs/cifar10 --epochs 30
    python -m encoder.train --plan runs/cifar10/plan.json
    torchrun --standalone --nproc-per-node 2 -m encoder.train --plan runs/cifar10/plan.json

`photos.npy` is (n, side, side, 3) uint8. The run's folder receives checkpoints (the last three are kept, and those that
were asked for) and `log.jsonl`, a line an epoch. Started again the run goes on after the last whole checkpoint, in the
middle of an epoch too, and on a CPU the curve is the one that an uninterrupted run draws.
SIGTERM pauses. Exit codes: 0 finished, 3 paused, 4 stopped, with reason and advice in `stopped.json`; anything else was
a crash, after which the same command goes on. Shipped encoder: ResNet-18, its figures on its card in encoder/shipped/.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import torch

from encoder.folder import EncoderError
from encoder.start import parent_id
from encoder.training.config import TrainConfig
from encoder.training.errors import TrainingError, TrainingPaused
from encoder.training.loop import train
from encoder.training.outcome import begin, end
from encoder.training.pause import pause_on_sigterm
from encoder.training.plan import FINISHED, PAUSED, STOPPED_CODE, Plan, read_plan
from encoder.training.ranks import join, leave
from encoder.training.store import Pixels


def main(arguments: list[str] | None = None) -> int:
    """Command line of one training process; returns its exit code."""
    given = parser().parse_args(arguments)
    try:
        plan = read_plan(given.plan) if given.plan else plan_of(given)
    except TrainingError as error:
        print(f"training stopped: {error}", file=sys.stderr)
        return STOPPED_CODE
    out, base = (given.plan.parent, given.plan.parent) if given.plan else (given.out, Path())
    with pause_on_sigterm() as pause:
        return run(plan, out=out, base=base, pause=pause)


def run(plan: Plan, *, out: Path, base: Path, pause: Callable[[], bool]) -> int:
    """Carry out a plan in the folder `out`, its paths relative to `base`; returns the exit code."""
    ranks, device = join(torch.device(plan.device or ("cuda" if torch.cuda.is_available() else "cpu")))
    if ranks.first:
        begin(out)
    try:
        start = base / plan.start_from if plan.start_from else None
        config = plan.config
        if start and not config.parent:
            config = dataclasses.replace(config, parent=parent_id(start))
        train(
            open_pictures(base / plan.pictures),
            config=config,
            views=plan.views,
            out=out,
            device=device,
            start_from=start,
            saving=plan.saving(),
            ranks=ranks,
            pause=pause,
        )
    except TrainingPaused as paused:
        return end(out, PAUSED, str(paused), ranks=ranks)
    except TrainingError as error:
        return end(out, STOPPED_CODE, error.reason, error.advice, ranks=ranks)
    except EncoderError as error:
        return end(out, STOPPED_CODE, str(error), ranks=ranks)
    finally:
        leave(ranks)
    return end(out, FINISHED, ranks=ranks)


def open_pictures(path: Path) -> Pixels:
    """Memory-mapped. Raises TrainingError."""
    try:
        pictures: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise TrainingError(
            f"{path} cannot be read as an array ({error})", "make it again from the pictures"
        ) from error
    return pictures


def plan_of(given: argparse.Namespace) -> Plan:
    """The plan that options give. Raises TrainingError."""
    if not given.pictures or not given.out:
        raise TrainingError("--pictures and --out are missing", "give both, or --plan RUN/plan.json")
    values = {
        field.name: getattr(given, field.name) for field in dataclasses.fields(TrainConfig) if field.name != "parent"
    }
    try:
        config = TrainConfig(**values)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    return Plan(
        name=given.out.name,
        pictures=str(given.pictures),
        config=config,
        start_from=str(given.start_from or ""),
        device=given.device,
        checkpoint_every=given.checkpoint_every,
        checkpoint_seconds=given.checkpoint_seconds,
        keep_epochs=given.keep_epochs,
    )


def parser() -> argparse.ArgumentParser:
    """The options: those of a run's folder, and one for each field of TrainConfig."""
    made = argparse.ArgumentParser(
        prog="python -m encoder.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--plan", type=Path, help="plan.json of a run's folder; it says all the rest")
    made.add_argument("--pictures", type=Path, help="(n, side, side, 3) uint8 array, .npy")
    made.add_argument("--out", type=Path, help="folder of the run")
    made.add_argument("--device", default="")
    made.add_argument("--start-from", type=Path, help="encoder folder or torchvision weights to begin with")
    made.add_argument("--checkpoint-every", type=int, default=1, metavar="EPOCHS")
    made.add_argument("--checkpoint-seconds", type=float, default=Plan.checkpoint_seconds, help="also this often")
    made.add_argument("--keep-epochs", type=numbers, default=(), metavar="N,N", help="epochs whose checkpoints stay")
    types = get_type_hints(TrainConfig)
    for field in dataclasses.fields(TrainConfig):
        option = f"--{field.name.replace('_', '-')}"
        options: dict[str, Any] = {"default": field.default}
        if field.name == "parent":
            continue
        if field.name == "bfloat16":
            told = "by default where the device has instructions for it"
            made.add_argument(option, action=argparse.BooleanOptionalAction, help=told, **options)
        elif get_origin(types[field.name]) is Literal:
            made.add_argument(option, choices=get_args(types[field.name]), **options)
        else:
            made.add_argument(option, type=types[field.name], **options)
    return made


def numbers(text: str) -> tuple[int, ...]:
    """131,314,677 -> (131, 314, 677)."""
    return tuple(int(part) for part in text.split(",") if part)


if __name__ == "__main__":
    sys.exit(main())
