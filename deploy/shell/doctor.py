"""`ruiji doctor`: is every service there, is there room, and do ledger, shards and index agree."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.artifacts import ArtifactStore
from catalog.encoders import serving_encoder
from catalog.index import VectorIndex
from catalog.index_errors import IndexUnavailable
from catalog.ledger import Ledger
from catalog.reconcile import reconcile
from catalog.workers import list_workers
from deploy.lock import HomeLock
from deploy.logs import Log
from deploy.milvus_lite import milvus_part
from deploy.supervisor import Supervisor
from deploy.valkey import answers, make_private
from settings import Settings
from worker.client import Client
from worker.presence import ALIVE_WITHIN_S

SCARCE_BYTES = 2 * 1024**3
NO_DIFFERENCE = ("images", "mended")  # counts of the report that tell of nothing wrong
RECONCILE_TIMEOUT_S = 3600.0
VERSIONS = ("ruiji", "celery", "redis", "pymilvus", "milvus-lite", "openvino", "sqlalchemy", "torch")


@dataclass(frozen=True)
class Finding:
    """One line of the report. `ok` None: nothing to judge."""

    what: str
    ok: bool | None
    detail: str


def run(settings: Settings, *, repair: bool) -> int:
    """Print the report; 1 when something is wrong and was not mended, else 0."""
    findings = list(_examine(settings, repair=repair))
    table = Table("", "what", "found", box=None)
    for finding in findings:
        sign = {True: "[green]ok[/green]", False: "[red]wrong[/red]", None: ""}[finding.ok]
        table.add_row(sign, finding.what, Text(finding.detail))
    Console().print(table)
    return 1 if any(finding.ok is False for finding in findings) else 0


def _examine(settings: Settings, *, repair: bool) -> Iterator[Finding]:
    yield Finding("versions", None, f"Python {sys.version.split()[0]}, " + ", ".join(_versions()))
    yield Finding("home", settings.home.is_dir() or None, str(settings.home))
    ledger = Ledger.open(settings.resolved_database_url())
    yield Finding("ledger", True, ledger.dialect)
    store = ArtifactStore(settings.resolved_artifacts_url())
    yield _room(settings, store)
    encoder = serving_encoder(ledger)
    yield Finding("encoder", encoder is not None, encoder.name if encoder else "none serves: start `ruiji up` once")
    broker = answers(settings.resolved_broker_url())
    rows = list_workers(ledger, alive_within_s=ALIVE_WITHIN_S) if broker else []
    if not broker:
        yield Finding("broker", None, "not running; `ruiji up` starts it with everything else")
    else:
        yield Finding("broker", True, "answers")
        alive = {queue for row in rows for queue in row.queues.split(",")}
        for queue in ("query", "embed", "index"):
            yield Finding(f"{queue} worker", queue in alive, "alive" if queue in alive else "none is alive")
    if encoder is not None:
        yield from _compare(settings, ledger, store, repair=repair, by_worker="index" in {row.queues for row in rows})


def _compare(
    settings: Settings, ledger: Ledger, store: ArtifactStore, *, repair: bool, by_worker: bool
) -> Iterator[Finding]:
    """The index has one writer: its worker where one is alive, otherwise this process with a server of its own."""
    try:
        if by_worker:
            client = Client(settings.resolved_broker_url())
            report = client.reconcile(repair=repair, timeout_s=RECONCILE_TIMEOUT_S)
        else:
            with _index(settings) as index:
                report = asdict(reconcile(ledger, store, index, repair=repair))
    except IndexUnavailable as error:
        yield Finding("index", False, str(error))
        return
    differences = {name: value for name, value in report.items() if name not in NO_DIFFERENCE and value}
    detail = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in differences.items())
    if not differences:
        yield Finding("ledger, shards, index", True, "agree")
    elif repair:
        later = "; `ruiji up` embeds what has no vector left" if report.get("to_embed") else ""
        yield Finding("ledger, shards, index", True, f"{detail}: mended{later}")
    else:
        yield Finding("ledger, shards, index", False, f"{detail}; mend it with: ruiji doctor --repair")


@contextmanager
def _index(settings: Settings) -> Iterator[VectorIndex]:
    if settings.index_url:
        yield _connected(settings.index_url, settings)
        return
    make_private(settings.run_folder)
    with HomeLock(settings.run_folder / "lock"), open(os.devnull, "w", encoding="utf-8") as nowhere:
        supervisor = Supervisor(Log(settings.home / "logs", terminal=nowhere))
        try:
            supervisor.start(milvus_part(data=settings.home / "milvus", port_file=settings.port_file))
            supervisor.wait_until("milvus", settings.port_file.exists, timeout_s=60)
            yield _connected(settings.resolved_index_url(), settings)
        finally:
            supervisor.stop_all()


def _connected(url: str, settings: Settings) -> VectorIndex:
    index = VectorIndex(url, token=settings.index_token, options=settings.index_options())
    index.ready()
    return index


def _room(settings: Settings, store: ArtifactStore) -> Finding:
    free = store.free_bytes()
    if settings.home.is_dir():
        here = shutil.disk_usage(settings.home).free
        free = here if free is None else min(free, here)
    if free is None:
        return Finding("free disk", None, "unknown")
    return Finding("free disk", free > SCARCE_BYTES, f"{free / 1024**3:.1f} GB")


def _versions() -> Iterator[str]:
    for name in VERSIONS:
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{name} not installed"
