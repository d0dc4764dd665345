"""What a run happens to: a whole Ruiji with one embed worker more, on a small disk of its own, with armed points."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stack import Stack, StackError
from bench.under_fire.controls import put_on_path
from bench.under_fire.disk import mount, unmount
from bench.under_fire.engines import Engines
from bench.under_fire.rows import rows
from bench.under_fire.wall_clock import WallClock
from catalog.fault_points import VARIABLE
from settings import Settings

LEASE_S = 3.0
CHUNK_FILES = 20
DISK_MB = 1536  # a trained encoder takes 70, and the checkpoints of the run at work 270
READY_S = 180.0
# Words in the command lines of the parts.
PARTS = {
    "web": "gunicorn_server",
    "query": "worker --queues query",
    "embed": "worker --queues embed",
    "index": "worker --queues index",
    "broker": "valkey",
    "index server": "deploy.milvus_lite",
    "beat": "ruiji beat",
    "train": "worker --queues train",
}
# Whose death stops nothing else: another is started at once.
TRAINING = ("-m encoder.train ", "-m encoder.finish ")
CHILD = "ingest.child"


@dataclass
class World:
    """`control` names a patch of bench/under_fire/controls.py that makes it lose things; empty in every honest run.

    `engines` are used in place of what Ruiji brings.
    `jumps`: its wall clock is one that can be moved.
    """

    room: Path
    control: str = ""
    engines: Engines | None = None
    jumps: bool = False
    clock: WallClock | None = field(init=False, default=None)
    disk: bool = field(init=False)
    stack: Stack = field(init=False)
    second: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.points.mkdir(parents=True)
        self.disk = mount(self.room / "disk", megabytes=DISK_MB)
        environment = {
            "RUIJI_CHUNK_FILES": str(CHUNK_FILES),
            "RUIJI_LEASE_S": str(LEASE_S),
            VARIABLE: str(self.points),
        }
        if self.engines is not None:
            self.engines.start()
            environment |= {f"RUIJI_{name.upper()}": url for name, url in self.engines.addresses.items()}
        if self.control:
            environment["PYTHONPATH"] = put_on_path(self.room / "control", self.control)
        if self.jumps:
            self.clock = WallClock(self.room / "clock")
            environment |= self.clock.variables()
        home = self.room / "disk" / "home"
        self.stack = Stack(home=home, allowed_root=self.room, environment=environment)

    @property
    def points(self) -> Path:
        """Where points are armed."""
        return self.room / "points"

    @property
    def ledger(self) -> Path | str:
        """The ledger's file, or its address."""
        return self.engines.postgresql.url if self.engines else self.stack.home / "ledger.db"

    @property
    def settings(self) -> Settings:
        """What its processes are told."""
        none = {"database_url": "", "broker_url": "", "index_url": ""}  # not those of who has started the run
        addresses: dict[str, Any] = self.engines.addresses if self.engines else none
        return Settings(home=self.stack.home, **addresses)

    def start(self) -> None:
        """Start all that does not run."""
        if self.engines is not None:
            self.engines.start()
        if self.stack.process is None or self.stack.process.poll() is not None:
            if left := self.stack.wait_gone():
                raise StackError(f"the death of one part must stop all: {left}")
            self.stack.start(timeout_s=READY_S)
        if self.second is None or self.second.poll() is not None:
            with (self.room / "second.log").open("ab") as log:
                self.second = self.stack.launch("worker", "--queues", "embed", log=log)
            self.stack.beside = {self.second.pid}

    def stop(self) -> None:
        """End everything as a person does."""
        if self.second is not None:
            self.second.terminate()
            self.second.wait(timeout=60)
        self.stack.stop()
        if left := self.stack.wait_gone():
            raise StackError(f"processes that outlived the stop: {left}")

    def abandon(self) -> None:
        """End everything at once, whatever state it is in, and give the disk back."""
        self.stack.beside = set()
        for pid in self.stack.processes():
            _send(pid, signal.SIGKILL)
        if self.stack.process is not None:
            self.stack.process.wait(timeout=60)
        if self.second is not None:
            self.second.wait(timeout=60)
        if self.disk:
            unmount(self.room / "disk")

    def up(self) -> bool:
        """Whether `ruiji up` lives; it ends by itself soon after one of its parts."""
        return self.stack.process is not None and self.stack.process.poll() is None

    def pids(self, part: str) -> list[int]:
        """Processes of a part; of `child`, those of the second worker too; of `everything`, all of Ruiji's own.

        `train` is the worker, `training` the process in which it trains, if it does.
        """
        if self.engines is not None and part in self.engines:
            return self.engines.pids(part)
        if part == "second":
            return [self.second.pid] if self.second is not None and self.second.poll() is None else []
        if part == "child":
            return [pid for pid, line in self._all().items() if CHILD in line]
        if part == "training":
            return [pid for pid, line in self._all().items() if any(word in line for word in TRAINING)]
        if part == "everything":
            return list(self._all())
        return [pid for pid, line in self.stack.processes().items() if PARTS[part] in line] if part in PARTS else []

    def send(self, pids: list[int], number: signal.Signals) -> None:
        """A signal for each; who is gone meanwhile needs none."""
        for pid in pids:
            _send(pid, number)

    def arm(self, point: str, what: str) -> None:
        """The process that comes to this point next gets this signal, or this error."""
        made = self.points / f"{point}.new"
        made.write_text(what)
        made.rename(self.points / f"{point}.armed")

    def fired(self, point: str, *, within_s: float) -> bool:
        """Wait until a process has come there; otherwise disarm it."""
        until = time.monotonic() + within_s
        armed = self.points / f"{point}.armed"
        while time.monotonic() < until:
            if not armed.exists():
                return True
            time.sleep(0.02)
        try:
            armed.unlink()
        except FileNotFoundError:
            return True
        return False

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the ledger, which may be in use."""
        return rows(self.ledger, statement)

    def traceback(self) -> str:
        """The last that the page's server has written down."""
        log = self.stack.home / "logs" / "web.log"
        said = log.read_text(errors="replace") if log.is_file() else ""
        return said.rpartition("Traceback")[2][:6000]

    def _all(self) -> dict[int, str]:
        beside, self.stack.beside = self.stack.beside, set()
        try:
            return self.stack.processes()
        finally:
            self.stack.beside = beside


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
