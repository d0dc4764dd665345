"""PostgreSQL, redis-server and Milvus 2.3.5, with logins as in docker-compose.yml; killed and started again.

Milvus 2.3.5 listens on every interface, whatever it is told (bench/milvus_server.py).
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from bench import postgresql_server
from bench.milvus_server import MilvusServer
from bench.ports import free_port
from bench.postgresql_server import PostgreSQL
from bench.stack import StackError
from bench.starting import die_with_us

READY_S = 60.0


@dataclass
class RedisServer:
    """Debian's, with the options of docker-compose.yml: its file is synced once a second."""

    folder: Path
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers, which it does when it has read its file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("redis-server")
        if program is None:
            raise StackError("there is no redis-server: install it (Debian's package redis-server)")
        options = ["--appendonly", "yes", "--requirepass", self.password]
        placed = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        log = self.folder.parent / "redis.log"
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [program, *options, *placed],
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=die_with_us(signal.SIGKILL),
            )
        until = time.monotonic() + READY_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise StackError(f"redis-server does not answer:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; nothing of it is needed again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        with redis.Redis(port=self.port, password=self.password) as connection, contextlib.suppress(redis.RedisError):
            return bool(connection.ping())
        return False


def missing() -> list[str]:
    """What would have to be installed for them, by its package; empty where all are there."""
    found = ["Debian's package postgresql"] if not postgresql_server.PROGRAMS else []
    found += ["Debian's package redis-server"] if shutil.which("redis-server") is None else []
    return found + (["the Python package milvus"] if importlib.util.find_spec("milvus") is None else [])


@dataclass(frozen=True)
class Engine:
    """How one of them is started and ended, and what its process is."""

    start: Callable[[], None]
    stop: Callable[[], None]
    process: Callable[[], subprocess.Popen[bytes] | None]


class Engines:
    """All three, by the names of the parts that they stand for. `ended` counts those that ended unasked."""

    def __init__(self, folder: Path, *, unpacked: Path | None = None) -> None:
        """`unpacked`: where Milvus's programs are kept, 250 MB."""
        self.postgresql = PostgreSQL(secrets.token_hex(12), options=["fsync=on", "synchronous_commit=on"])
        self.redis = RedisServer(folder / "redis")
        self.milvus = MilvusServer(folder / "milvus", unpacked or folder / "milvus-2.3.5")
        self.ended: Counter[str] = Counter()
        self._killed: set[str] = set()
        self._all = {
            "ledger server": Engine(self.postgresql.start, self.postgresql.stop, lambda: self.postgresql.process),
            "broker": Engine(self.redis.start, self.redis.stop, lambda: self.redis.process),
            "index server": Engine(self.milvus.start, self.milvus.stop, lambda: self.milvus.process),
        }

    def __contains__(self, part: str) -> bool:
        return part in self._all

    @property
    def addresses(self) -> dict[str, str]:
        """What a Ruiji that uses them is told, by the names of its settings."""
        return {"database_url": self.postgresql.url, "broker_url": self.redis.url, "index_url": self.milvus.url}

    @property
    def versions(self) -> dict[str, str]:
        """What they are, by the parts that they stand for."""
        return {
            "ledger server": _said([self.postgresql.program("postgres"), "--version"]),
            "broker": _said(["redis-server", "--version"]),
            "index server": f"Milvus {importlib.metadata.version('milvus')}",
        }

    def start(self) -> None:
        """Start those that do not run."""
        for name, engine in self._all.items():
            process = engine.process()
            if process is not None and process.poll() is None:
                continue
            if process is not None and name not in self._killed:
                self.ended[name] += 1
            self._killed.discard(name)
            engine.start()

    def pids(self, part: str) -> list[int]:
        """Processes of one, its own children among them."""
        process = self._all[part].process()
        if process is None or process.poll() is not None:
            return []
        return [process.pid, *_children(process.pid)]

    def backends(self) -> list[int]:
        """The processes of PostgreSQL that each serve one connection."""
        if (process := self.postgresql.process) is None:
            return []
        return [pid for pid in _children(process.pid) if b": ruiji ruiji 127.0.0.1" in _command(pid)]

    def kill(self, part: str) -> bool:
        """SIGKILL for all of one's processes; False if it does not run."""
        process = self._all[part].process()
        if process is None or process.poll() is not None:
            return False
        self._killed.add(part)
        process.send_signal(signal.SIGSTOP)  # that it makes no new ones meanwhile
        children = _children(process.pid)
        for pid in (process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        until = time.monotonic() + READY_S
        while any(_command(pid) for pid in children):
            if time.monotonic() > until:
                raise StackError(f"processes of the {part} outlived SIGKILL: {children}")
            time.sleep(0.01)
        return True

    def lose_messages(self) -> None:
        """Take the files of a killed redis-server away."""
        shutil.rmtree(self.redis.folder)

    def stop(self) -> None:
        """End all of them, whatever state they are in."""
        for part, engine in reversed(self._all.items()):
            for pid in self.pids(part):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            engine.stop()


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.partition(" sha=")[0].strip()


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found


def _command(pid: int) -> bytes:
    """Its command line; empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
