"""A real Milvus 2.3.5 server, from PyPI's package `milvus`: what the code must also work with, and its oldest version.

The package's own start function writes below the home folder and unpacks 250 MB each time; this one starts its binary
with a folder of the test's and keeps what was unpacked. This version can only listen on every interface (its `ip`
settings name the address that it tells others), so it lives as briefly as the tests, on random ports, with test data.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ports import free_port, stop, wait_for

ETCD = """
name: default
data-dir: {data}
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
listen-peer-urls: http://127.0.0.1:{peer}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: default=http://127.0.0.1:{peer}
"""


@dataclass
class MilvusStandalone:
    """The server; `unpacked` is a folder that outlives the tests."""

    folder: Path
    unpacked: Path
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until all of its parts are healthy, about 5 seconds."""
        import milvus  # its import alone is harmless, and it knows where its files are

        self.unpacked.mkdir(parents=True, exist_ok=True)
        with (self.unpacked / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            milvus._initialize_data_files(self.unpacked)
        config = milvus.MilvusServerConfig(data_dir=str(self.folder))
        ports = {name: free_port() for name in config.configurable_items if name.endswith("_port")}
        config.update(**ports)
        config.resolve()
        self._move_etcd(client=ports["etcd_port"], peer=free_port())
        health = free_port()
        binaries = self.unpacked / "bin"
        log = self.folder / "milvus.log"
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                [binaries / "milvus", "run", "standalone"],
                cwd=self.folder,
                stdout=sink,
                stderr=sink,
                env={
                    **os.environ,
                    "DEPLOY_MODE": "STANDALONE",
                    "METRICS_PORT": str(health),
                    "LD_LIBRARY_PATH": str(binaries),
                    "MILVUS_RUN_DIR": str(self.folder / "run"),
                },
            )

        def healthy() -> bool:
            with contextlib.suppress(OSError):
                return b"OK" in urllib.request.urlopen(f"http://127.0.0.1:{health}/healthz", timeout=5).read()
            return False

        wait_for(healthy, self.process, log=log, timeout_s=90)
        self.url = f"http://127.0.0.1:{ports['proxy_port']}"

    def stop(self) -> None:
        """End it. Its orderly shutdown takes long, and nothing of it is needed again."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            stop(self.process)

    def _move_etcd(self, *, client: int, peer: int) -> None:
        """Give the etcd inside it ports of its own: by default every Milvus on a machine takes 2379 and 2380."""
        settings = self.folder / "configs" / "milvus.yaml"
        etcd = self.folder / "configs" / "etcd.yaml"
        etcd.write_text(ETCD.format(data=self.folder / "etcd", client=client, peer=peer))
        text = settings.read_text()
        assert text.count("\netcd:\n") == 1
        settings.write_text(text.replace("\netcd:\n", f"\netcd:\n  config:\n    path: {etcd}\n"))
