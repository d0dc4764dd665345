"""A run in its folder: an epoch's batches, a line of log, checkpoints, and going on exactly where it stopped."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from encoder.methods.choice import build_model
from encoder.provenance import fingerprint, hardware
from encoder.start import load_start
from encoder.step import ALONE, Step
from encoder.training.checkpoints import load_checkpoint, remove_partial, save_checkpoint
from encoder.training.config import TrainConfig, learning_rate
from encoder.training.device import uses_bfloat16
from encoder.training.errors import TrainingError, TrainingPaused
from encoder.training.knn import Knn
from encoder.training.log import append_log, cut_log
from encoder.training.plan import Saving
from encoder.training.position import Position, checkpoints
from encoder.training.ranks import Ranks
from encoder.training.store import Pixels, Store, channel_statistics
from encoder.training.watch import Watch
from encoder.view_config import ViewConfig

LOOK_EVERY = 50  # steps between looks at the loss: each waits for all that a GPU still has to do
TELL_EVERY_S = 5.0  # within an epoch
EVERY_EPOCH = Saving()


class Run:
    """A run in its folder, at some position."""

    def __init__(
        self,
        pictures: Pixels,
        *,
        config: TrainConfig,
        views: ViewConfig,
        out: Path,
        device: torch.device,
        start_from: Path | None = None,
        saving: Saving = EVERY_EPOCH,
        ranks: Ranks = ALONE,
    ) -> None:
        self.config, self._out, self._device, self._saving, self._ranks = config, out, device, saving, ranks
        self._identity = {
            "config": dataclasses.asdict(config),
            "views": dataclasses.asdict(views),
            "pictures": fingerprint(pictures),
        }
        torch.manual_seed(config.seed)
        self.model = build_model(config)
        # A run that goes on has its weights, whatever has become of those that it began with.
        begins = start_from is not None and not checkpoints(out)
        self._parent = load_start(self.model, start_from) if start_from and begins else None
        self.model = self.model.to(device).to(memory_format=torch.channels_last)
        self._statistics = channel_statistics(pictures)
        self._draws = torch.Generator().manual_seed(config.seed)
        self._step = Step(
            self.model,
            config,
            views=views,
            statistics=self._statistics,
            device=device,
            draws=self._draws,
            ranks=ranks,
        )
        self._count = len(pictures)
        self._store = Store(pictures, device)
        self.per_epoch = len(pictures) // config.batch_size
        self.position = Position(0)
        self._loss_sum = torch.zeros((), device=device)
        self._seconds, self._since = 0.0, time.monotonic()
        self._watch = Watch(config)
        mean, std = self._statistics
        self._knn = Knn.of(out, pictures, mean=mean, std=std) if ranks.first else None
        self._saved_at = self._told_at = time.monotonic()

    def resume(self) -> None:
        """Take over the newest checkpoint, if there is one, and forget the log of what comes after it."""
        if self._ranks.first:
            remove_partial(self._out)
        state = load_checkpoint(self._out, self._identity)
        here = Position(int(state["epoch"]), int(state["step"])) if state else Position(0)
        if not self._ranks.same(here.epoch, here.step):
            raise TrainingError(
                f"the processes find different checkpoints in {self._out}", "give all of them the same, shared folder"
            )
        if state is None:
            return
        self._parent = state["parent"]
        self.model.load_state_dict(state["model"])
        self._step.method.load_state_dict(state["method"])
        self._step.optimiser.load_state_dict(state["optimiser"])
        self._draws.set_state(state["draws"])
        torch.set_rng_state(state["random"])
        self.position = here
        self._loss_sum = state["loss_sum"].to(self._device)
        self._seconds = float(state["seconds"])
        self._watch.collapsed = int(state["collapsed"])
        if self._ranks.first:
            cut_log(self._out, epoch=self.position.epoch)

    def epoch(self, *, pause: Callable[[], bool]) -> None:
        """The rest of one epoch. Raises TrainingPaused and TrainingError."""
        config, epoch = self.config, self.position.epoch
        self.model.train()
        self._step.network.train()
        self._since = time.monotonic()
        order = torch.randperm(self._count, generator=torch.Generator().manual_seed(config.seed * 100_003 + epoch))
        mine = self._ranks.part(config.batch_size)
        batches = order[: self.per_epoch * config.batch_size].view(self.per_epoch, config.batch_size)[:, mine]
        total = self.per_epoch * config.epochs
        first = self.position.step
        for index, pictures in enumerate(self._store.batches(list(batches[first:])), start=first):
            done = epoch * self.per_epoch + index
            rate = learning_rate(config, step=done, total=total)
            loss, outputs = self._step(pictures, learning_rate=rate, share_done=done / total)
            self._loss_sum += loss
            self.position = Position(epoch, index + 1)
            if index + 1 < self.per_epoch:
                self._between(pause)
        self._end_epoch(rate, outputs)

    def _between(self, pause: Callable[[], bool]) -> None:
        """What may happen after any step but an epoch's last."""
        step = self.position.step
        if step % LOOK_EVERY == 0:
            self._watch.loss(float(self._loss_sum), epoch=self.position.epoch + 1)
        if self._ranks.first and time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            print(json.dumps(self._progress()), flush=True)
        asked = self._ranks.any(pause())
        due = self._saving.seconds > 0 and time.monotonic() - self._saved_at >= self._saving.seconds
        if asked or due:
            self.save()
        if asked:
            raise TrainingPaused(f"paused in epoch {self.position.epoch + 1}, after {step} of {self.per_epoch} steps")

    def _progress(self) -> dict[str, float | int]:
        """Of an epoch that is not whole yet; the log has whole ones only."""
        epoch, step = self.position
        return {
            "epoch": epoch + 1,
            "epochs": self.config.epochs,
            "step": step,
            "steps": self.per_epoch,
            "loss": round(float(self._loss_sum) / step, 4),
            "seconds": round(self._seconds + time.monotonic() - self._since, 1),
        }

    def _end_epoch(self, rate: float, outputs: torch.Tensor) -> None:
        epoch = self.position.epoch + 1
        loss = float(self._ranks.mean(self._loss_sum)) / self.per_epoch
        self._watch.loss(loss, epoch=epoch)
        seconds = self._seconds + time.monotonic() - self._since
        spread = float(torch.nn.functional.normalize(outputs, dim=1).std(dim=0).mean())
        line = {
            "epoch": epoch,
            "epochs": self.config.epochs,
            "loss": round(loss, 4),
            "learning_rate": round(rate, 5),
            "projection_std": round(spread, 5),
            "seconds": round(seconds, 1),
            "images_per_s": round(self.per_epoch * self.config.batch_size / seconds, 1),
        }
        if self._knn is not None:
            line["knn"] = round(self._knn.accuracy(self.model, self._device), 4)
        if self._ranks.first:
            append_log(self._out, line)
            print(json.dumps(line), flush=True)
        self._watch.spread(float(self._ranks.mean(torch.tensor(spread, device=self._device))), epoch=epoch)
        self.position = Position(epoch)
        self._loss_sum = torch.zeros((), device=self._device)
        self._seconds = 0.0

    def save(self) -> None:
        """Write a checkpoint of this position. Raises TrainingError."""
        self._saved_at = time.monotonic()
        self._watch.loss(float(self._loss_sum), epoch=self.position.epoch + 1)
        if not self._ranks.first:
            return
        state = {
            **self._identity,
            "config": {**dataclasses.asdict(self.config), "bfloat16": uses_bfloat16(self.config, self._device)},
            "parent": self._parent,
            "hardware": hardware(self._device),
            "epoch": self.position.epoch,
            "step": self.position.step,
            "model": self.model.state_dict(),
            "method": self._step.method.state_dict(),
            "optimiser": self._step.optimiser.state_dict(),
            "draws": self._draws.get_state(),
            "random": torch.get_rng_state(),
            "loss_sum": self._loss_sum,
            "seconds": self._seconds + (time.monotonic() - self._since if self.position.step else 0.0),
            "collapsed": self._watch.collapsed,
            "mean": list(self._statistics[0]),
            "std": list(self._statistics[1]),
        }
        save_checkpoint(self._out, state, position=self.position, keep_epochs=self._saving.keep_epochs)
