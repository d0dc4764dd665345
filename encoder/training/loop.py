"""Train until the last epoch, from wherever the run's folder says it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from encoder.model import SimCLR
from encoder.step import ALONE
from encoder.training.config import TrainConfig
from encoder.training.device import too_small_for_bfloat16
from encoder.training.errors import TrainingError, TrainingPaused
from encoder.training.plan import Saving
from encoder.training.ranks import Ranks
from encoder.training.run import EVERY_EPOCH, Run
from encoder.training.store import Pixels
from encoder.training.watch import memory_watched
from encoder.view_config import ViewConfig


def train(
    pictures: Pixels,
    *,
    config: TrainConfig,
    views: ViewConfig,
    out: Path,
    device: torch.device,
    start_from: Path | None = None,
    saving: Saving = EVERY_EPOCH,
    ranks: Ranks = ALONE,
    pause: Callable[[], bool] = lambda: False,
) -> SimCLR:
    """Train until `config.epochs`, from the newest checkpoint in `out` if there is one; returns the model.

    `pictures` are (n, side, side, 3), and may be a memory map. `start_from` is an encoder folder or a file of weights
    whose backbone a new run begins with; `config.parent` is its id. When `pause` says so, the step under way is
    finished and a checkpoint written. Raises TrainingPaused then, TrainingError when the run cannot start or has gone
    wrong, and EncoderError when `start_from` cannot be used.
    """
    check(pictures, config, device=device, ranks=ranks)
    out.mkdir(parents=True, exist_ok=True)
    with memory_watched(config):
        run = Run(
            pictures,
            config=config,
            views=views,
            out=out,
            device=device,
            start_from=start_from,
            saving=saving,
            ranks=ranks,
        )
        run.resume()
        while run.position.epoch < config.epochs:
            run.epoch(pause=pause)
            epoch = run.position.epoch
            asked = ranks.any(pause())
            last = epoch == config.epochs
            if asked or last or epoch % saving.every_epochs == 0 or epoch in saving.keep_epochs:
                run.save()
            if asked and not last:
                raise TrainingPaused(f"paused after epoch {epoch} of {config.epochs}")
    return run.model


def check(pictures: Pixels, config: TrainConfig, *, device: torch.device, ranks: Ranks = ALONE) -> None:
    """Raise TrainingError for what cannot be trained."""
    if pictures.ndim != 4 or pictures.dtype != "uint8" or pictures.shape[1] != pictures.shape[2]:
        raise TrainingError(f"the pictures are {pictures.shape} {pictures.dtype}", "give (n, side, side, 3) uint8")
    if len(pictures) < config.batch_size:
        raise TrainingError(
            f"{len(pictures)} pictures are fewer than one batch of {config.batch_size}",
            f"give more pictures, or a --batch-size of at most {len(pictures)}" if len(pictures) > 1 else "give more",
        )
    if config.batch_size % ranks.size or config.batch_size // ranks.size < 2:
        raise TrainingError(
            f"a batch of {config.batch_size} cannot be shared by {ranks.size} processes",
            f"choose a --batch-size that {ranks.size} divides",
        )
    if config.bfloat16 and too_small_for_bfloat16(config, device):
        raise TrainingError(f"{config.size} px are too few for bfloat16 on a CPU", "add --no-bfloat16")
