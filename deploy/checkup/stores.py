"""Ledger and index: reachable, new enough, tables at their newest state, and of one mind about the images."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from sqlalchemy import text

from catalog.artifacts import ArtifactStore
from catalog.clock_ahead import least_ahead
from catalog.encoders import serving_encoder
from catalog.errors import CatalogError
from catalog.figures import figures
from catalog.index import VectorIndex
from catalog.index_errors import IndexUnavailable
from catalog.ledger import Ledger, LedgerError
from catalog.ledger import clock as ledger_clock
from catalog.ledger_errors import OLDEST_POSTGRESQL
from catalog.migrations import HEAD, revision
from catalog.reconcile import reconcile
from deploy.checkup.finding import Finding, at_least, clock
from deploy.lock import HomeLock
from deploy.logs import Log
from deploy.milvus_lite import milvus_part
from deploy.shell.installed import REMEDY, missing_file
from deploy.supervisor import Supervisor
from deploy.valkey import make_private
from settings import Settings
from worker.client import Client

OLDEST_MILVUS = (2, 3)
NO_DIFFERENCE = ("images", "mended")  # counts of the report that tell of nothing wrong
RECONCILE_TIMEOUT_S = 3600.0
ANSWERS_WITHIN_S = 5.0
AGREE = "ledger, shards, index"


def open_ledger(settings: Settings) -> tuple[Ledger | None, list[Finding]]:
    """The ledger if it can be read by this code, and what is to be said of it. Nothing in it is changed."""
    try:
        if (missing := missing_file(settings)) is not None:  # opened, it would be made
            return None, [Finding("ledger", "wrong", f"there is none: {missing}", REMEDY)]
        ledger = Ledger.open(settings.resolved_database_url(), upgrade=False)
        with ledger.read() as connection:
            found = revision(connection)
            version = (
                str(connection.execute(text("SHOW server_version")).scalar_one()) if ledger.dialect != "sqlite" else ""
            )
    except LedgerError as error:
        return None, [Finding("ledger", "wrong", str(error))]
    findings = [Finding("ledger", "ok", "SQLite")]
    if version:
        findings = [at_least("ledger", version.split()[0], (OLDEST_POSTGRESQL,), name="PostgreSQL"), _clock(ledger)]
    if found == HEAD:
        return ledger, [*findings, Finding("tables", "ok", f"at {HEAD}, the newest")]
    ledger.close()
    if found is None:
        return None, [*findings, Finding("tables", "note", "none yet", "`ruiji up` makes them")]
    if found > HEAD:
        do = "update this program"
        return None, [
            *findings,
            Finding("tables", "wrong", f"at {found}; this version knows {HEAD}: a newer one made them", do),
        ]
    do = "`ruiji up` or `python -m deploy.prepare` brings them up to date; make a copy of the ledger first"
    return None, [*findings, Finding("tables", "wrong", f"at {found}, and this version needs {HEAD}", do)]


def _clock(ledger: Ledger) -> Finding:
    with ledger.read() as connection:
        before = time.time()
        there = ledger_clock(connection)
        return clock("clock of this machine and the ledger", least_ahead(before, there, time.time()))


def look_at_index(settings: Settings) -> Finding:
    """Whether it answers, and its version. The embedded one need not run."""
    if not settings.index_url and not settings.port_file.exists():
        return Finding("index", "note", "not running", "`ruiji up` starts it with everything else")
    index = VectorIndex(
        settings.resolved_index_url(),
        token=settings.index_token,
        options=settings.index_options(),
        timeout_s=ANSWERS_WITHIN_S,
    )
    try:
        index.ready()
        version = index.version()
    except CatalogError as error:
        if not settings.index_url:
            return Finding("index", "note", "not running", "`ruiji up` starts it with everything else")
        return Finding("index", "wrong", str(error), "start Milvus, or correct RUIJI_INDEX_URL and RUIJI_INDEX_TOKEN")
    finally:
        index.close()
    if version.startswith("milvus_lite"):
        return Finding("index", "ok", f"answers: {version}")
    return at_least("index", version, OLDEST_MILVUS, name="Milvus")


def count(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """Rows of the serving encoder's collection against what the ledger says, without a look at any."""
    known = figures(ledger)
    if known.serving is None or not (settings.index_url or settings.port_file.exists()):
        return
    index = VectorIndex(settings.resolved_index_url(), token=settings.index_token, options=settings.index_options())
    try:
        rows = index.count(known.serving.collection)
    except CatalogError as error:
        yield Finding("ledger, index", "wrong", str(error))
        return
    finally:
        index.close()
    found = f"{rows:,} rows, {known.indexed:,} by the ledger; {known.embedded - known.indexed:,} wait to be indexed"
    agree = rows == known.indexed
    yield Finding("ledger, index", "ok" if agree else "warning", found, "" if agree else "compare them: ruiji doctor")


def compare(
    settings: Settings, ledger: Ledger, store: ArtifactStore, *, repair: bool, by_worker: bool
) -> Iterator[Finding]:
    """The index has one writer: its worker where one is alive, otherwise this process with a server of its own."""
    if serving_encoder(ledger) is None:
        return
    try:
        if by_worker:
            client = Client(settings.resolved_broker_url())
            report = client.reconcile(repair=repair, timeout_s=RECONCILE_TIMEOUT_S)
        else:
            with _index(settings) as index:
                report = asdict(reconcile(ledger, store, index, repair=repair))
    except IndexUnavailable as error:
        yield Finding(AGREE, "wrong", str(error), "start the index, then say it again")
        return
    differences = {name: value for name, value in report.items() if name not in NO_DIFFERENCE and value}
    detail = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in differences.items())
    if not differences:
        yield Finding(AGREE, "ok", "agree")
    elif repair:
        later = "`ruiji up` embeds what has no vector left" if report.get("to_embed") else ""
        yield Finding(AGREE, "ok", f"{detail}: mended", later)
    else:
        yield Finding(AGREE, "wrong", detail, "mend it: ruiji doctor --repair")


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
