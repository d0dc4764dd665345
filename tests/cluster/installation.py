"""What the Compose files describe, as processes of this machine: engines on loopback ports, our own commands."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import composing
from tests.cluster.composing import HEAD, MAIN, ROOT
from tests.servers.milvus_lite import MilvusLite
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import once, running
from tests.servers.tls import TlsFront
from tests.servers.valkey import Valkey

VARIABLES = {
    "POSTGRES_PASSWORD": "4d1f6b0c2a",
    "REDIS_PASSWORD": "9be07a55c1",
    "MINIO_PASSWORD": "unused",
    "METRICS_TOKEN": "figures",
    "GRAFANA_PASSWORD": "unused",
    "RUIJI_PHOTOS": "/photos",
    "RUIJI_ARTIFACTS": "/artifacts",
    "RUIJI_HEAD": "127.0.0.1",
    "RUIJI_TLS": "/tls",
}


def commands_of(marker: str) -> str:
    """What stands in docs/SCALE.md below a comment."""
    text = (ROOT / "docs" / "SCALE.md").read_text()
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", text, flags=re.DOTALL)
    assert found, marker
    return found[1]


@dataclass
class Installation:
    """Engines that run, and where the names that the files use for them are."""

    folder: Path
    page_port: int = field(default_factory=free_port)

    @contextlib.contextmanager
    def engines_running(self) -> Iterator[Installation]:
        """PostgreSQL, Redis and an index, the first two with TLS as compose.head.yml has them."""
        subprocess.run(
            ["bash", "-euc", commands_of("certificates")],
            cwd=self.folder, env={"PATH": "/usr/bin:/bin", "RUIJI_HEAD": "127.0.0.1"}, check=True, capture_output=True,
        )  # fmt: skip
        tls = self.folder / "tls"
        both = composing.laid_over(composing.read(MAIN), composing.read(HEAD))["services"]
        engines = composing.filled(both, VARIABLES)
        self.postgres = PostgreSQL(VARIABLES["POSTGRES_PASSWORD"])
        certificates = {}
        for name in ("server.crt", "server.key"):
            copy = self.postgres.folder / name
            copy.write_bytes((tls / name).read_bytes())
            copy.chmod(0o600)
            self.postgres.give(copy)
            certificates[f"/tls/{name}"] = str(copy)
        program, *options = engines["postgres"]["command"]
        assert program == "postgres" and options[::2] == ["-c"] * (len(options) // 2)
        self.postgres.options = [_placed(option, certificates) for option in options[1::2]]
        program, *options = engines["redis"]["command"]
        assert program == "redis-server"
        plain = options[: options.index("--tls-port")]  # this Valkey was built without TLS
        self.redis = Valkey(self.folder / "redis", plain, VARIABLES["REDIS_PASSWORD"])
        self.front = TlsFront(tls / "server.crt", tls / "server.key", behind=self.redis.port)
        self.milvus = MilvusLite(self.folder / "milvus" / "data")
        started: list[Any] = []
        try:
            for server in (self.postgres, self.redis, self.front, self.milvus):
                started.append(server)
                server.start()
            yield self
        finally:
            for server in reversed(started):
                server.stop()

    def placed(self, value: Any, *, service: str) -> Any:
        """A command or environment of a service, with the addresses and folders of this machine."""
        here = {
            "postgres:5432": f"127.0.0.1:{self.postgres.port}",
            "127.0.0.1:5432": f"127.0.0.1:{self.postgres.port}",
            "redis:6379": f"127.0.0.1:{self.redis.port}",
            "127.0.0.1:6380": f"127.0.0.1:{self.front.port}",
            "http://milvus:19530": self.milvus.url,
            "web:8765": f"127.0.0.1:{self.page_port}",
            "/data/artifacts": str(self.folder / "artifacts"),
            "/data/home": str(self.folder / "home"),
            "/tmp/ruiji": str(self.folder / service),
            "/tls/": f"{self.folder / 'tls'}/",
            '"/photos"': f'"{self.folder / "photos"}"',
        }
        return _placed(value, here)

    def environment(self, path: Path, name: str) -> dict[str, str]:
        """The variables of a service."""
        values = composing.filled(composing.ours(path)[name]["environment"], VARIABLES)
        placed: dict[str, str] = self.placed(values, service=f"{path.stem}-{name}")
        return {**placed, "RUIJI_CHUNK_FILES": "8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

    def command(self, path: Path, name: str) -> list[str]:
        """What a service runs."""
        command: list[str] = self.placed(composing.ours(path)[name]["command"], service=name)
        return command

    def log(self, path: Path, name: str) -> Path:
        """What a service has written."""
        return self.folder / f"{path.stem}-{name}.log"

    @contextlib.contextmanager
    def service(self, path: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A service that stays."""
        environment = self.environment(path, name)
        with running(
            self.command(path, name), folder=self.folder, log=self.log(path, name), environment=environment
        ) as process:
            yield process

    def run(self, path: Path, name: str, command: Sequence[str] | None = None) -> subprocess.CompletedProcess[str]:
        """A service that ends, or another command in its container."""
        given = self.placed(list(command), service=name) if command else self.command(path, name)
        return once(given, folder=self.folder, environment=self.environment(path, name))

    def healthy(self, path: Path, name: str) -> bool:
        """What the service's health check says."""
        test = composing.ours(path)[name]["healthcheck"]["test"]
        return self.run(path, name, test[1:]).returncode == 0


def _placed(value: Any, here: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _placed(item, here) for key, item in value.items()}
    if isinstance(value, list):
        return [_placed(item, here) for item in value]
    for name, place in here.items():
        value = value.replace(name, place)
    return value
