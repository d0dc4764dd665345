"""A small training run after the other, from the shell, with photos of the run."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import IO

from bench.stack import Stack

PRESET = ("--preset", "quick-cpu", "--size", "16", "--batch-size", "32", "--epochs", "4")

NICE = 15  # as a person would have it who searches on the same machine


class Training(threading.Thread):
    """Runs until told to end; `runs` is how many came to their end."""

    def __init__(self, stack: Stack, photos: Path, log: Path) -> None:
        super().__init__(name="training", daemon=True)
        self._stack, self._photos, self._log = stack, photos, log
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.runs = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        """One run after the other."""
        try:
            with self._log.open("ab") as log:
                while not self._ended.is_set():
                    self._one(log)
        except BaseException as error:
            self.failure = error

    def end(self) -> None:
        """Pause the run under way, as Ctrl-C does."""
        self._ended.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        self.join()

    def _one(self, log: IO[bytes]) -> None:
        name = f"soak-{self.runs + 1}"
        self._process = self._stack.launch("train", "--name", name, *PRESET, str(self._photos), log=log)
        os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)
        code = self._process.wait()
        if self._ended.is_set():
            return
        if code != 0:
            raise RuntimeError(f"the training {name} ended with {code}; see {self._log}")
        self.runs += 1
