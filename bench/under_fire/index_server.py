"""The embedded index server alone, killed and started again on the same folder and port."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.ports import free_port
from bench.record import ROOT
from bench.stack import StackError

# As `deploy.milvus_lite` does, on a port that stays the same when it is started again.
SERVE = """
import sys
from milvus_lite.adapter.grpc.server import run_server
from deploy import milvus_lite_index_files, milvus_lite_search, milvus_lite_writes
assert milvus_lite_search.install()
assert milvus_lite_index_files.install()
if sys.argv[3] == "in turn":
    assert milvus_lite_writes.install()
run_server(sys.argv[1], "127.0.0.1", int(sys.argv[2]))
"""
READY_S = 60.0


@dataclass
class IndexServer:
    """`in_turn=False` is the known-bad control: milvus-lite as it comes, with several writers in one collection."""

    folder: Path
    in_turn: bool = True
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
            how = "in turn" if self.in_turn else "at once"
            command = [sys.executable, "-c", SERVE, str(self.folder), str(self.port), how]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)
        until = time.monotonic() + READY_S
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > until:
                raise StackError(f"milvus-lite does not listen:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
