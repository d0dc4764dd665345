"""An installation whose engines and page are on one of several hosts, and its workers wherever a test starts them."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.hosts import Host
from tests.servers.milvus_lite import MilvusLite
from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import once, running
from tests.servers.valkey import Valkey
from tests.stack import Stack

PASSWORD = "4d1f6b0c2a"
CHUNK_FILES = 2
LEASE_S = 2


@dataclass
class Installation:
    """What stands on the first host, and how the commands of each are told of it."""

    head: Host
    folder: Path
    page: Stack
    postgres: PostgreSQL
    valkey: Valkey
    milvus: MilvusLite
    leaving: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def database_url(self, host: str, **options: int) -> str:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://ruiji:{PASSWORD}@{host}:{self.postgres.port}/ruiji?{query}"

    def environment(self, home: str) -> dict[str, str]:
        return {
            "RUIJI_HOME": str(self.folder / home),
            "RUIJI_DATABASE_URL": self.database_url(self.head.address),
            "RUIJI_BROKER_URL": f"redis://:{PASSWORD}@{self.head.address}:{self.valkey.port}/0",
            "RUIJI_INDEX_URL": self.milvus.url,
            "RUIJI_ARTIFACTS_URL": str(self.folder / "artifacts"),
            "RUIJI_ALLOWED_ROOTS": json.dumps([str(self.folder / "photos")]),
            "RUIJI_CHUNK_FILES": str(CHUNK_FILES),
            "RUIJI_LEASE_S": str(LEASE_S),
            "RUIJI_QUERY_TIMEOUT_S": "60",
            "RUIJI_DECODE_PROCESSES": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def start(self, host: Host, name: str, *command: str) -> None:
        """A command of ours on a host, for as long as the installation stands."""
        log = self.folder / f"{name}.log"
        environment = self.environment(name)
        given = running(["ruiji", *command], folder=self.folder, log=log, environment=environment, before=host.through)
        self.started.append(self.leaving.enter_context(given))

    def said(self) -> str:
        """What all of them have printed, the end of each."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-2500:]}" for path in logs)


@contextlib.contextmanager
def installed(head: Host, folder: Path) -> Iterator[Installation]:
    """Engines, page, and the workers that query and index; nothing embeds yet. The block is on that host too."""
    postgres = PostgreSQL(PASSWORD)
    rights = postgres.folder / "hba.conf"
    rights.write_text("host all all 0.0.0.0/0 scram-sha-256\n")
    postgres.give(rights)
    postgres.options = [f"listen_addresses=127.0.0.1,{head.address}", f"hba_file={rights}"]
    valkey = Valkey(folder / "valkey", ["--requirepass", PASSWORD, "--appendonly", "yes"], PASSWORD)
    valkey.address = head.address
    milvus = MilvusLite(folder / "milvus" / "data")
    with contextlib.ExitStack() as stack:
        stack.enter_context(head.entered())
        for server in (postgres, valkey, milvus):
            stack.callback(server.stop)
            server.start()
        page = Stack(home=folder / "page", allowed_root=folder / "photos")
        made = Installation(head, folder, page, postgres, valkey, milvus)
        stack.enter_context(made.leaving)
        setup = once(["python", "-m", "deploy.prepare"], folder=folder, environment=made.environment("setup"))
        assert setup.returncode == 0, setup.stderr
        for name in ("query", "index"):
            made.start(head, name, "worker", "--queues", name)
        made.start(head, "beat", "beat")
        made.start(head, "up", "web", "--port", str(page.port))
        yield made
        for process in made.started:  # all at once, then each is waited for
            process.terminate()
