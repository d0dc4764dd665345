"""A whole Ruiji on this machine: started as a person starts it, spoken to over HTTP, killed and stopped at will."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from bench.ports import free_port
from bench.starting import die_with_us
from bench.surroundings import surroundings

# -P: the folder it runs in, which holds no code of ours, is not searched for modules.
RUIJI = (sys.executable, "-P", "-m", "ruiji")


class StackError(RuntimeError):
    """It did not do what it must; the message holds its last words."""


@dataclass
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class Stack:
    """`ruiji up` in a process group of its own, with its home in a folder of the caller's.

    `beside`: processes of the caller's on the same home, which do not end with it.
    """

    home: Path
    allowed_root: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    beside: set[int] = field(default_factory=set)
    token: str = ""
    cookies: str = ""
    bearer: str = ""  # an API token, where people sign in

    def variables(self) -> dict[str, str]:
        """The environment that every command on this home needs."""
        given = {
            "RUIJI_HOME": str(self.home),
            "RUIJI_PORT": str(self.port),
            "RUIJI_ALLOWED_ROOTS": json.dumps([str(self.allowed_root)]),
            **self.environment,
        }
        return surroundings(**given)

    def launch(self, *arguments: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """A command that stays, in a process group of its own; it ends with this process."""
        return subprocess.Popen(
            [*RUIJI, *arguments],
            cwd=self.home.parent,
            env=self.variables(),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_us(signal.SIGTERM),
        )

    def command(self, *arguments: str, timeout_s: float = 150) -> subprocess.CompletedProcess[str]:
        """A command that ends, on this home."""
        return subprocess.run(
            [*RUIJI, *arguments],
            cwd=self.home.parent,
            env={**self.variables(), "COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def start(self, *, timeout_s: float = 240) -> float:
        """Start and wait until the page says that every part answers; returns the seconds it took."""
        started = time.monotonic()
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / "up.log").open("ab") as log:
            self.process = self.launch("up", log=log)
        while time.monotonic() - started < timeout_s:
            if self.process.poll() is not None:
                raise StackError(f"ruiji up ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            with contextlib.suppress(OSError):
                if self.request("GET", "/readyz").status == 200 and self.ready_said():
                    return time.monotonic() - started
            time.sleep(0.1)
        raise StackError(f"ruiji up was not ready in {timeout_s} s:\n{self.log()[-4000:]}")

    def ready_said(self) -> bool:
        """Whether the last start has printed its address, which it does only when every part answers."""
        return f"127.0.0.1:{self.port}" in self.log().rpartition("Ruiji starting")[2]

    def log(self) -> str:
        """What all starts of this home have printed."""
        return (self.home.parent / "up.log").read_text(errors="replace")

    def processes(self) -> dict[int, str]:
        """Every process that lives because of this home: pid -> command line.

        Known by its environment, by its command line, or by its parent: Valkey writes its title over its environment.
        """
        home = str(self.home).encode()
        lines: dict[int, str] = {}
        parents: dict[int, int] = {}
        found = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                pid = int(entry.name)
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state == "Z":
                    continue
                command = (entry / "cmdline").read_bytes()
                parents[pid] = int(parent)
                lines[pid] = command.replace(b"\0", b" ").decode(errors="replace").strip()
                if home in command or b"RUIJI_HOME=" + home + b"\0" in (entry / "environ").read_bytes() + b"\0":
                    found.add(pid)
        found |= {pid for pid, parent in parents.items() if parent in found}
        return {pid: lines[pid] for pid in found if not {pid, parents[pid]} & self.beside}

    def kill(self, pids: list[int]) -> None:
        """SIGKILL, as a power cut or the kernel's out-of-memory killer would."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_gone(self, *, timeout_s: float = 90) -> dict[int, str]:
        """Wait until no process of this home is left; returns those that are."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.process is not None:
                self.process.poll()
            if not (left := self.processes()):
                # A process on its way out has no command line and no environment any more, and is not gone yet.
                if self.process is not None:
                    self.process.wait(timeout=max(1.0, until - time.monotonic()))
                return {}
            time.sleep(0.1)
        return left

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it as a service manager does, or as Ctrl-C would; returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            self.kill(list(self.processes()))
            raise

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One HTTP request; error statuses are answers, a refused connection is an OSError."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        signed = {"Authorization": f"Bearer {self.bearer}" if self.bearer else ""}
        for name, value in {"Cookie": self.cookies, "X-CSRF-Token": self.token, **signed, **(headers or {})}.items():
            if value:
                request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310  our own address
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read())

    def sign_in(self) -> None:
        """Fetch the page once, for the session cookie and the CSRF token that every write needs."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=120) as response:
            self.cookies = "; ".join(value.split(";")[0] for value in response.headers.get_all("Set-Cookie") or [])
            page = response.read().decode()
        found = re.search(r'name="csrf-token"\s+content="([^"]+)"', page)
        if not found:
            raise StackError("the page carries no csrf-token")
        self.token = found[1]

    def post(self, path: str, values: Any) -> Answer:
        """POST a JSON document."""
        headers = {"Content-Type": "application/json"}
        return self._signed_in(path, json.dumps(values).encode(), headers)

    def upload(self, picture: bytes, *, k: int = 10, **fields: str) -> Answer:
        """Search by a picture's bytes, as the page does."""
        boundary = uuid4().hex
        parts = b"".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {"k": str(k), **fields}.items()
        )
        parts += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="query"\r\n'.encode()
        parts += b"Content-Type: application/octet-stream\r\n\r\n" + picture + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._signed_in("/api/v1/search", parts, headers)

    def _signed_in(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """A session that has ended is begun anew once, as a page does it."""
        for renewed in (False, True):
            if not self.bearer and (renewed or not self.token):
                self.sign_in()
            answer = self.request("POST", path, body=body, headers=headers)
            if answer.status != 400 or self.bearer or b'"csrf"' not in answer.body:
                break
        return answer

    def ingest(self, folder: Path, *, labels_from_folders: bool = False) -> int:
        """Start an ingest from the page's API; returns the job's number."""
        answer = self.post("/api/v1/sources", {"path": str(folder), "labels_from_folders": labels_from_folders})
        if answer.status != 202:
            raise StackError(f"{folder} is not ingested: {answer.status} {answer.body[:500]!r}")
        return int(answer.json()["job"])

    def job(self, number: int) -> dict[str, Any]:
        """The job as the API tells it."""
        values: dict[str, Any] = self.request("GET", f"/api/v1/jobs/{number}").json()
        return values

    def wait_job(self, number: int, *, timeout_s: float = 300) -> dict[str, Any]:
        """Wait until the job is done and all it made can be searched."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            try:
                job = self.job(number)
            except OSError as error:
                raise StackError(f"job {number} cannot be asked for: {error}\n{self.log()[-6000:]}") from error
            if job["state"] == "failed" or (job["state"] == "done" and job["searchable"]):
                return job
            time.sleep(0.2)
        raise StackError(f"job {number} did not end in {timeout_s} s: {job}\n{self.log()[-3000:]}")
