"""A PostgreSQL server with a password on a loopback port, as a container would be; with TLS by its options."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@dataclass
class PostgreSQL:
    """User and database are called ruiji, as in docker-compose.yml."""

    password: str
    port: int = field(default_factory=free_port)
    options: Sequence[str] = ()
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        # Root's temporary folder may be root's alone, and PostgreSQL refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="ruiji-pg-", dir="/tmp" if os.getuid() == 0 else None))
        self._user = None
        if os.getuid() == 0:
            self._user = "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"
            self.give(self.folder)

    def give(self, path: Path) -> None:
        """Make a file the server's own."""
        if self._user is not None:
            shutil.chown(path, self._user)

    def program(self, name: str) -> str:
        """One of PostgreSQL's programs."""
        return str(PROGRAMS[-1].parent / name)

    def start(self) -> None:
        """Make the database and serve it."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        self.give(secret)
        self._run("initdb", "-D", "data", "-U", "ruiji", "-A", "scram-sha-256", "--pwfile", secret.name, "--no-sync")
        given = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={self.folder}",
            "fsync=off",
        ]
        options = " ".join(f"-c {option}" for option in [*given, *self.options])
        self._run("pg_ctl", "-D", "data", "-w", "-t", "60", "-l", "log", "-o", options, "start")
        command = [self.program("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "ruiji", "ruiji"]
        subprocess.run(command, check=True, env={**os.environ, "PGPASSWORD": self.password})

    def stop(self) -> None:
        """End it and remove its folder."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.program(program), *arguments]
        done = subprocess.run(command, user=self._user, cwd=self.folder, stdout=subprocess.DEVNULL, timeout=90)
        log = self.folder / "log"
        assert done.returncode == 0, log.read_text() if log.exists() else program
