"""Follows the log of a run while it is written, line by line, and repeats it in TensorBoard's files."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
from pathlib import Path
from typing import Any

from catalog.runs import Epoch
from encoder.training.plan import LOG

TENSORBOARD = "tensorboard"  # folder of the event files in the run's
SCALARS = ("loss", "learning_rate", "projection_std", "knn", "images_per_s")

logger = logging.getLogger("ruiji.train")


class RunLog:
    """The lines that have come since it was last read; a line that is not whole yet waits for its end.

    A training that goes on from a checkpoint begins the file anew, without the lines that it will write again.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self._file, self._read = 0, 0

    def new(self) -> list[Epoch]:
        """The epochs of the lines that came, the last of each where one was trained again."""
        try:
            with self._path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                if found.st_ino != self._file or found.st_size < self._read:
                    self._file, self._read = found.st_ino, 0
                stream.seek(self._read)
                data = stream.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        epochs: dict[int, Epoch] = {}
        for line in whole.splitlines():
            if (epoch := epoch_of(line)) is not None:
                epochs[epoch.epoch] = epoch
        return [epochs[number] for number in sorted(epochs)]


def epoch_of(line: bytes) -> Epoch | None:
    """A line of the log; None for one that a crash or a full disk has left damaged."""
    try:
        values = json.loads(line)
        number = int(values["epoch"])
    except (ValueError, TypeError, KeyError):
        logger.warning("a line of the run's log cannot be read: %.80r", line)
        return None
    names = ("loss", "learning_rate", "projection_std", "knn", "images_per_s", "seconds")
    return Epoch(number, *(_number(values.get(name)) for name in names))


class EventFiles:
    """TensorBoard's event files of a run, where the extra `tensorboard` is installed; elsewhere it does nothing."""

    def __init__(self, folder: Path) -> None:
        self._writer: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            self._writer = EventFileWriter(str(folder / TENSORBOARD))

    def add(self, epochs: list[Epoch]) -> None:
        """Write what these epochs measured."""
        if self._writer is None:
            return
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        for epoch in epochs:
            for name in SCALARS:
                if (value := getattr(epoch, name)) is not None:
                    summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
                    self._writer.add_event(Event(step=epoch.epoch, summary=summary))
        self._writer.flush()

    def close(self) -> None:
        """Write the rest."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
