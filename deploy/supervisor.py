"""Starts parts, watches them, and stops them all: when told to, and as soon as one ends that others need."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from types import FrameType

from deploy.logs import Log
from deploy.process import Part, kill_session, start
from worker.rests import LONGEST_S, Rests

# A bulk worker may finish its chunk or hand it back in this time; after it the ledger's lease takes over.
GRACE_S = 10.0
GRACE_STORES_S = 8.0


class StartFailed(Exception):
    """A part did not come up; the message names it and shows its last words."""


class PartEnded(Exception):
    """A part ended by itself."""

    def __init__(self, name: str, status: int) -> None:
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        super().__init__(f"{name} {how}")
        self.name = name
        self.status = status


class Stopped(Exception):
    """Ctrl-C or SIGTERM arrived."""


class Supervisor:
    """Children in the order of their start; `stores` are stopped last, since the others write to them."""

    def __init__(self, log: Log, *, stores: tuple[str, ...] = ("valkey", "milvus")) -> None:
        self._log = log
        self._stores = stores
        self._children: dict[str, tuple[Part, subprocess.Popen[bytes]]] = {}
        self._told_to_stop = ""
        self._rests, self._resting = Rests(), set[str]()
        self._since: dict[str, float] = {}

    def install_signals(self) -> None:
        """From now on Ctrl-C, SIGTERM and SIGHUP end `watch` and `wait_until` with Stopped."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def start(self, part: Part) -> None:
        """Start one part and follow its output."""
        child = start(part)
        self._children[part.name] = (part, child)
        self._since[part.name] = time.monotonic()
        if child.stdout is not None:
            self._log.follow(part.name, child.stdout)

    def pid(self, name: str) -> int:
        """Process id of a part."""
        return self._children[name][1].pid

    def check(self) -> None:
        """Raise Stopped or PartEnded if there is reason to."""
        if self._told_to_stop:
            raise Stopped(self._told_to_stop)
        for name, (part, child) in list(self._children.items()):
            status = child.poll()
            if status is None:
                continue
            if not part.again:
                raise PartEnded(name, status)
            self._start_again(part, PartEnded(name, status))

    def _start_again(self, part: Part, ended: PartEnded) -> None:
        name = part.name
        if name not in self._resting:
            self._resting.add(name)
            kill_session(self.pid(name))  # what it has started goes with it
            if time.monotonic() - self._since[name] > LONGEST_S:
                self._rests.end(name)
            self._log.say(f"{ended}: starting it again in {self._rests.begin(name):.0f} s")
        elif not self._rests.holds(name):
            self._resting.discard(name)
            self.start(part)

    def wait_until(self, name: str, answers: Callable[[], bool], *, timeout_s: float) -> None:
        """Ask `answers` until it says yes. Raises StartFailed, PartEnded or Stopped."""
        until = time.monotonic() + timeout_s
        while not answers():
            try:
                self.check()
            except PartEnded as ended:
                raise StartFailed(self._explain(ended.name, str(ended), ended=True)) from ended
            if time.monotonic() > until:
                raise StartFailed(self._explain(name, f"{name} did not answer within {timeout_s:.0f} s", ended=False))
            time.sleep(0.05)

    def watch(self, *, tick: Callable[[], None] = lambda: None) -> None:
        """Run until something ends it: raises Stopped or PartEnded."""
        while True:
            self.check()
            tick()
            time.sleep(0.2)

    def stop_all(self) -> None:
        """Stop everything and leave no process behind, however the parts behave."""
        stores = [name for name in self._children if name in self._stores]
        rest = [name for name in self._children if name not in self._stores]
        for names, grace_s in ((rest, GRACE_S), (stores, GRACE_STORES_S)):
            for name in names:
                part, child = self._children[name]
                if child.poll() is None:
                    child.send_signal(part.stop_signal)
            until = time.monotonic() + grace_s
            for name in names:
                child = self._children[name][1]
                try:
                    child.wait(timeout=max(0.0, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._log.say(f"{name} did not stop within {grace_s:.0f} s: killed")
                # Also after an orderly end: what the part itself has started goes with it.
                kill_session(child.pid)
                child.wait()
        self._log.close()

    def _explain(self, name: str, what: str, *, ended: bool) -> str:
        last = self._log.tail(name, ended=ended)
        return "\n".join([what, *(f"  {line}" for line in last)])

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._told_to_stop and number == signal.SIGINT:
            for _part, child in self._children.values():  # a second Ctrl-C: at once
                kill_session(child.pid)
            os._exit(130)
        self._told_to_stop = signal.Signals(number).name
