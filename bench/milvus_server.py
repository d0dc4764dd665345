"""A real Milvus 2.3.5 server, from PyPI's package `milvus`: what is measured, and the oldest that tests run against.

The package's own start function writes below the home folder and unpacks 250 MB each time; this one starts its binary
with a folder of the caller's and keeps what was unpacked. This version can only listen on every interface (its `ip`
settings name the address that it tells others), so it lives as briefly as what needs it, on random ports, with made
data, and with a login.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.ports import free_port
from bench.starting import die_with_us

if TYPE_CHECKING:
    from pymilvus import MilvusClient

ETCD = """
name: default
data-dir: {data}
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
listen-peer-urls: http://127.0.0.1:{peer}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: default=http://127.0.0.1:{peer}
"""
READY_WITHIN_S = 90.0
PORT_DRAWS = 5
FIRST_PASSWORD = "Milvus"  # noqa: S105  what every Milvus begins with


class MilvusFailed(RuntimeError):
    """The server has ended, or does not get ready; the message has the end of its log."""


@dataclass(frozen=True)
class Segments:
    """Ids of those that are searched, and of those that Milvus has stored: it merges small ones behind searches."""

    loaded: frozenset[int]
    stored: frozenset[int]


@dataclass
class MilvusServer:
    """The server. `unpacked` is a folder that may outlive it; `url` has the login of `root`, once it has started."""

    folder: Path
    unpacked: Path
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    url: str = ""
    process: subprocess.Popen[bytes] | None = None
    _port: int = 0
    _health: int = 0

    def start(self) -> None:
        """Start it and wait until all of its parts are healthy, about 5 seconds; again, on the same ports and files.

        Raises MilvusFailed.
        """
        if not self.url:
            self._install()
        binaries = self.unpacked / "bin"
        log = self.folder / "milvus.log"
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [binaries / "milvus", "run", "standalone"],
                cwd=self.folder,
                stdout=sink,
                stderr=sink,
                start_new_session=True,  # Ctrl-C in a terminal is for whoever uses it
                preexec_fn=die_with_us(signal.SIGKILL),
                env={
                    **os.environ,
                    "DEPLOY_MODE": "STANDALONE",
                    "METRICS_PORT": str(self._health),
                    "LD_LIBRARY_PATH": str(binaries),
                    "MILVUS_RUN_DIR": str(self.folder / "run"),
                },
            )
        self._wait_until_healthy(self._health, log)
        if not self.url:
            self._change_password(f"http://127.0.0.1:{self._port}")
            self.url = f"http://root:{self.password}@127.0.0.1:{self._port}"

    def stop(self) -> None:
        """End it. Its orderly shutdown takes long, and nothing of it is needed again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def flush(self, collection: str) -> None:
        """Seal a collection's last rows: few stay unsealed, and are searched one by one, until more come."""
        with self._client() as client:
            client.flush(collection)

    def segments(self, collection: str) -> Segments:
        """Of a collection that is loaded."""
        with self._client() as client:
            return Segments(
                frozenset(one.segment_id for one in client.list_loaded_segments(collection)),
                frozenset(one.segment_id for one in client.list_persistent_segments(collection)),
            )

    @contextlib.contextmanager
    def _client(self) -> Iterator[MilvusClient]:
        from pymilvus import MilvusClient

        address = urlsplit(self.url)
        login = f"root:{self.password}"
        client = MilvusClient(uri=f"http://{address.hostname}:{address.port}", token=login, dedicated=True)
        try:
            yield client
        finally:
            client.close()

    def memory_bytes(self) -> int:
        """What its process holds in memory now, without what it maps from files."""
        if self.process is None:
            return 0
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise MilvusFailed("the kernel does not say how much memory the server holds")

    def _install(self) -> None:
        """Unpack it, unless that is done, and write its settings."""
        import milvus  # its import alone is harmless, and it knows where its files are

        self.folder.mkdir(parents=True, exist_ok=True)
        self.unpacked.mkdir(parents=True, exist_ok=True)
        with (self.unpacked / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            milvus._initialize_data_files(self.unpacked)
        ports = self._configure(milvus)
        self._move_etcd(client=ports["etcd_port"], peer=free_port())
        self._port, self._health = ports["proxy_port"], free_port()

    def _configure(self, milvus: Any) -> dict[str, int]:
        """Write its settings; the ports that it takes. Others may take one of them while it is being asked for."""
        left = PORT_DRAWS
        while True:
            left -= 1
            config = milvus.MilvusServerConfig(data_dir=str(self.folder))
            ports = {name: free_port() for name in config.configurable_items if name.endswith("_port")}
            config.update(**ports)
            config.set("authorization_enabled", True)
            try:
                config.resolve()
                return ports
            except RuntimeError as error:
                if not left or "bind failed" not in str(error):
                    raise

    def _wait_until_healthy(self, port: int, log: Path) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while self.process is not None and self.process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):
                asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                asked.request("GET", "/healthz")
                if b"OK" in asked.getresponse().read():
                    return
            time.sleep(0.05)
        self.stop()
        raise MilvusFailed(f"Milvus does not get ready:\n{log.read_text(errors='replace')[-3000:]}")

    def _change_password(self, url: str) -> None:
        from pymilvus import MilvusClient

        client = MilvusClient(uri=url, token=f"root:{FIRST_PASSWORD}", dedicated=True)
        try:
            client.update_password("root", FIRST_PASSWORD, self.password)
        finally:
            client.close()

    def _move_etcd(self, *, client: int, peer: int) -> None:
        """Give the etcd inside it ports of its own: by default every Milvus on a machine takes 2379 and 2380."""
        settings = self.folder / "configs" / "milvus.yaml"
        etcd = self.folder / "configs" / "etcd.yaml"
        etcd.write_text(ETCD.format(data=self.folder / "etcd", client=client, peer=peer))
        text = settings.read_text()
        if text.count("\netcd:\n") != 1:
            raise MilvusFailed(f"{settings} is not what this version of Milvus writes")
        settings.write_text(text.replace("\netcd:\n", f"\netcd:\n  config:\n    path: {etcd}\n"))
