"""`ruiji node`: one worker process for each device of a machine, and each started again when it ends by itself.

One process for each GPU, since CUDA survives no fork; one launcher for them all, since container replicas that each ask
for one GPU are all given the same one.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from types import FrameType

from deploy.devices import devices_of
from deploy.process import Part, kill_session, python, start
from settings import Settings
from worker.logs import set_up_logging
from worker.rests import LONGEST_S, Rests

POLL_S = 0.2

logger = logging.getLogger("ruiji.node")


def run(settings: Settings, *, queue: str, devices: str) -> int:
    """Keep the workers of this machine until SIGTERM or Ctrl-C, which each gets as SIGTERM; then wait for them all.

    Raises NoDevice and SettingsError before anything starts.
    """
    settings.check()
    set_up_logging(settings.log_level, settings.log)
    keeper = Keeper(worker_parts(settings, queue=queue, devices=devices_of(devices)))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, keeper.on_signal)
    keeper.run()
    return 0


def worker_parts(settings: Settings, *, queue: str, devices: tuple[str, ...]) -> list[Part]:
    """One worker for each device. Together they decode with as many processes as there are cores, not each."""
    environment = {}
    if not settings.decode_processes and len(devices) > 1:
        environment["RUIJI_DECODE_PROCESSES"] = str(max(1, (os.cpu_count() or 1) // len(devices)))
    return [
        Part(
            name=f"{queue} {number} on {device}",
            command=python("-m", "ruiji", "worker", "--queues", queue, "--device", device),
            environment=environment,
        )
        for number, device in enumerate(devices)
    ]


class Keeper:
    """Starts parts and starts again what ends: after 2 s, and later each time that it ends soon."""

    def __init__(self, parts: list[Part], *, rests: Rests | None = None) -> None:
        self._parts = {part.name: part for part in parts}
        self._children: dict[str, tuple[float, subprocess.Popen[bytes]]] = {}
        self._rests = rests or Rests()
        self._told_to_stop = False

    def on_signal(self, number: int, frame: FrameType | None = None) -> None:
        """Told to stop: every worker finishes or hands back what it has. Told again: at once."""
        for _, child in self._children.values():
            if self._told_to_stop:
                kill_session(child.pid)
            else:
                child.terminate()
        self._told_to_stop = True

    def run(self) -> None:
        """Return when all that was started has ended after a signal. How long that may take, whoever sent it says:
        when it ends this process, the kernel ends the workers."""
        while not (self._told_to_stop and not self._children):
            self._bury()
            if not self._told_to_stop:
                self._start_what_is_missing()
            time.sleep(POLL_S)

    def _start_what_is_missing(self) -> None:
        for name, part in self._parts.items():
            if name in self._children or self._rests.holds(name) or self._told_to_stop:
                continue
            child = start(part, output=None)
            self._children[name] = (time.monotonic(), child)
            logger.info("%s: process %d", name, child.pid)
            if self._told_to_stop:  # the signal came between the start and the line above, which it did not see
                child.terminate()

    def _bury(self) -> None:
        for name, (since, child) in list(self._children.items()):
            status = child.poll()
            if status is None:
                continue
            kill_session(child.pid)  # what it has started goes with it
            del self._children[name]
            how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            if self._told_to_stop:
                logger.info("%s %s", name, how)
                continue
            if time.monotonic() - since > LONGEST_S:
                self._rests.end(name)
            logger.error("%s %s; started again in %.0f s", name, how, self._rests.begin(name))
