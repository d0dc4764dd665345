"""A milvus-lite server in a process of its own, that a test may kill and start again on the same port and folder."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import free_port, stop, wait_for

ROOT = Path(__file__).resolve().parents[2]
# As `deploy.milvus_lite` does, on a port that stays the same when the test starts it again.
SERVE = """
import sys
from milvus_lite.adapter.grpc.server import run_server
from deploy.milvus_lite_search import install
assert install()
run_server(sys.argv[1], "127.0.0.1", int(sys.argv[2]))
"""


@dataclass
class MilvusLite:
    """The server and where its rows are kept."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder.parent / "milvus-lite.log"
        with log.open("ab") as sink:
            command = [sys.executable, "-c", SERVE, str(self.folder), str(self.port)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)
        wait_for(self._listens, self.process, log=log)

    def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it if it runs."""
        if self.process is not None and self.process.poll() is None:
            stop(self.process)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
