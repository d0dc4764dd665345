"""The process that trains, watched from the shell: its progress told, Ctrl-C turned into a pause."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.process import Part, python, start
from deploy.training.errors import NoTraining
from encoder.training.plan import FINISHED, PAUSED, PLAN, STOPPED_CODE, stopped_reason

LAST_LINES = 20
# How OpenMP's threads wait for each other. By default they spin: two of them on a machine that has other things to do
# took 2 to 4 times as long for a step of quick-cpu as two that sleep, which cost 0.31 s instead of 0.25 on an idle one.
WAIT = "OMP_WAIT_POLICY"

Say = Callable[[str], None]


class Paused(Exception):
    """The training was asked to pause and can go on."""


def train(run: Path, *, say: Say) -> None:
    """Train or go on until the last epoch. Raises Paused after Ctrl-C, and NoTraining with the reason."""
    command = python("-m", "encoder.train", "--plan", str(run / PLAN))
    child = start(Part(name="train", command=command, environment={WAIT: os.environ.get(WAIT, "passive")}))
    asked = False
    words: deque[str] = deque(maxlen=LAST_LINES)
    while True:
        try:
            code = _follow(child, words, say)
            break
        except KeyboardInterrupt:
            if asked:  # a second time: at once, from the last checkpoint
                child.kill()
            else:
                say("pausing: the step under way is finished and a checkpoint written")
                child.send_signal(signal.SIGTERM)
            asked = True
    if code == FINISHED:
        return
    if code == PAUSED or asked:
        raise Paused(f"paused; go on with: ruiji train --resume {run}")
    if code == STOPPED_CODE:
        raise NoTraining(f"training stopped: {stopped_reason(run) or ' '.join(words)}")
    how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
    last = f" ({words[-1]})" if words else ""
    raise NoTraining(f"training {how}{last}; it goes on from its last checkpoint with: ruiji train --resume {run}")


def _follow(child: subprocess.Popen[bytes], words: deque[str], say: Say) -> int:
    progress = Progress()
    for line in child.stdout or ():
        text = line.decode(errors="replace").rstrip()
        told = progress.line(text)
        if told is None:
            words.append(text)
        if not text.startswith("training stopped: "):  # it is the error that the caller gets
            say(told or text)
    return child.wait()


class Progress:
    """What the process says of itself, in words."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: float | None = None

    def line(self, text: str) -> str | None:
        """None for what is no progress."""
        try:
            said = json.loads(text)
            epoch, epochs, loss = int(said["epoch"]), int(said["epochs"]), float(said["loss"])
        except (ValueError, KeyError, TypeError):
            return None
        within = f", step {said['step']} of {said['steps']}" if "step" in said else ""
        done = epoch if not within else epoch - 1 + said["step"] / said["steps"]
        if self._first is None:  # what was done before this process began tells nothing of its speed
            self._first, self._began = done, time.monotonic()
        knn = f", kNN {said['knn']:.3f}" if "knn" in said else ""
        speed = f", {said['images_per_s']:.0f} images/s" if "images_per_s" in said else ""
        return f"epoch {epoch} of {epochs}{within}: loss {loss:.3f}{knn}{speed}{self._left(done, epochs, said)}"

    def _left(self, done: float, epochs: int, said: dict[str, Any]) -> str:
        here = done - (self._first or 0.0)
        if here > 0:
            seconds = (epochs - done) * (time.monotonic() - self._began) / here
        else:
            share = said["step"] / said["steps"] if "step" in said else 1.0
            seconds = (epochs - done) * float(said["seconds"]) / share
        return f", {duration(seconds)} left" if done < epochs else ""


def duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
