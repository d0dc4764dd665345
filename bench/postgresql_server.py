"""A PostgreSQL server with a password on a loopback port, as a container would be; with TLS by its options."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.ports import free_port
from bench.stack import StackError
from bench.starting import die_with_us

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
READY_WITHIN_S = 90.0
FASTER = ("fsync=off",)  # the machine is not going to lose its power


class PostgreSQLFailed(RuntimeError):
    """A program of it failed, or the server does not get ready; the message has the end of its log."""


@dataclass
class PostgreSQL:
    """User and database are called ruiji, as in docker-compose.yml. Started again, it is on the same port and files."""

    password: str
    port: int = field(default_factory=free_port)
    options: Sequence[str] = ()
    folder: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        # Root's temporary folder may be root's alone, and PostgreSQL refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="ruiji-pg-", dir="/tmp" if os.getuid() == 0 else None))  # noqa: S108
        self._user = None
        if os.getuid() == 0:
            self._user = "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"
            self.give(self.folder)

    @property
    def url(self) -> str:
        """Its address, with the driver that SQLAlchemy is to use."""
        return f"postgresql+psycopg://ruiji:{self.password}@127.0.0.1:{self.port}/ruiji"

    def give(self, path: Path) -> None:
        """Make a file the server's own."""
        if self._user is not None:
            shutil.chown(path, self._user)

    def program(self, name: str) -> str:
        """One of PostgreSQL's programs. Raises StackError where it is not installed."""
        if not PROGRAMS:
            raise StackError("there is no PostgreSQL: install it (Debian's package postgresql)")
        return str(PROGRAMS[-1].parent / name)

    def start(self) -> None:
        """Serve the database, which is made at the first start."""
        first = not (self.folder / "data").exists()
        if first:
            secret = self.folder / "password"
            secret.write_text(self.password)
            self.give(secret)
            self._run(
                "initdb", "-D", "data", "-U", "ruiji", "-A", "scram-sha-256", "--pwfile", secret.name, "--no-sync"
            )
        given = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.folder}", *FASTER]
        command = [self.program("postgres"), "-D", "data"]
        for option in (*given, *self.options):
            command += ["-c", option]
        with self._log.open("ab") as sink:
            self.process = subprocess.Popen(
                command,
                user=self._user,
                cwd=self.folder,
                stdout=sink,
                stderr=sink,
                start_new_session=True,  # Ctrl-C in a terminal is for whoever uses it
                preexec_fn=die_with_us(signal.SIGINT),
            )
        self._wait_until_ready()
        if first:
            made = [self.program("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "ruiji", "ruiji"]
            subprocess.run(made, check=True, env={**os.environ, "PGPASSWORD": self.password})

    def stop(self) -> None:
        """End it and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _wait_until_ready(self) -> None:
        asked = [self.program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        until = time.monotonic() + READY_WITHIN_S
        while self.process is not None and self.process.poll() is None and time.monotonic() < until:
            if subprocess.run(asked, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise PostgreSQLFailed(f"PostgreSQL does not get ready:\n{self._log.read_text(errors='replace')[-3000:]}")

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.program(program), *arguments]
        done = subprocess.run(command, user=self._user, cwd=self.folder, capture_output=True, text=True, timeout=90)
        if done.returncode != 0:
            raise PostgreSQLFailed(f"{program}: {done.stderr[-3000:]}")
