"""`ruiji up` with a home of its own, spoken to over HTTP as a browser speaks to it: one connection kept open."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ports import free_port
from bench.surroundings import surroundings

READY_WITHIN_S = 180.0
BOUNDARY = "ruiji-bench-3f9c1d"


class Running:
    """A running stack and one connection to its page."""

    def __init__(self, port: int, home: Path) -> None:
        self.port = port
        self.home = home
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers: dict[str, str] = {}

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body."""
        self._connection.request(method, path, body=body, headers=self._headers | (headers or {}))
        answer = self._connection.getresponse()
        content = answer.read()
        if path == "/" and method == "GET":
            cookies = [value.split(";")[0] for value in answer.msg.get_all("Set-Cookie") or []]
            token = re.search(r'name="csrf-token"\s+content="([^"]+)"', content.decode())
            self._headers = {"Cookie": "; ".join(cookies), "X-CSRF-Token": token[1] if token else ""}
        return answer.status, content

    def reconnect(self) -> None:
        """Before the next request: the page gives up a connection that was idle for a quarter of a minute."""
        self._connection.close()

    def post(self, path: str, values: dict[str, Any]) -> dict[str, Any]:
        """A JSON document there and back; RuntimeError on a refusal."""
        body = json.dumps(values).encode()
        return _accepted(*self.request("POST", path, body=body, headers={"Content-Type": "application/json"}))

    def get(self, path: str) -> dict[str, Any]:
        """A JSON document."""
        return _accepted(*self.request("GET", path))

    def upload(self, picture: bytes, *, k: int, any_way_up: bool = False) -> tuple[float, dict[str, Any]]:
        """Search by a picture's bytes as the page does: milliseconds until the answer was parsed, and the answer."""
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="k"\r\n\r\n{k}\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="suggest"\r\n\r\ntrue\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="any_way_up"\r\n\r\n{str(any_way_up).lower()}\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="query.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        started = time.perf_counter()
        answer = _accepted(*self.request("POST", "/api/v1/search", body=body, headers=headers))
        return 1000 * (time.perf_counter() - started), answer

    def start_ingest(self, folder: Path) -> int:
        """The number of the job."""
        return int(self.post("/api/v1/sources", {"path": str(folder)})["job"])

    def job(self, number: int) -> dict[str, Any]:
        """A job as the API tells it."""
        return self.get(f"/api/v1/jobs/{number}")

    def wait(self, number: int, *, timeout_s: float = 1800) -> dict[str, Any]:
        """Until all that the job made can be searched."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            job = self.job(number)
            if job["state"] in ("failed", "cancelled"):
                raise RuntimeError(f"job {number} {job['state']}: {job['error']}")
            if job["state"] == "done" and job["searchable"]:
                return job
            time.sleep(0.25)
        raise RuntimeError(f"job {number} is not done after {timeout_s:.0f} s")


def _accepted(status: int, content: bytes) -> dict[str, Any]:
    if status >= 300:
        raise RuntimeError(f"{status}: {content[:300].decode(errors='replace')}")
    values: dict[str, Any] = json.loads(content)
    return values


@contextlib.contextmanager
def running(home: Path, *, allowed: list[Path], **settings: str) -> Iterator[tuple[Running, float]]:
    """Starts a stack, with more settings, gives it and the seconds that it took to be ready, and stops it."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = surroundings(
        RUIJI_HOME=str(home),
        RUIJI_PORT=str(port),
        RUIJI_ALLOWED_ROOTS=json.dumps([str(folder) for folder in allowed]),
        **settings,
    )
    log = home.parent / f"{home.name}.log"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ruiji", "up"],
            cwd=home,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while f"127.0.0.1:{port}" not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() - started > READY_WITHIN_S:
                raise RuntimeError(f"ruiji up is not ready:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        took = time.monotonic() - started
        client = Running(port, home)
        client.request("GET", "/")
        yield client, took
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
