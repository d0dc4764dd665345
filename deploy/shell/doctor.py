"""`ruiji doctor`: is every service there, is there room, do ledger, shards and index agree; and what to do if not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.artifacts import ArtifactStore
from catalog.workers import list_workers
from deploy.checkup import broker, machine, stores, workers
from deploy.checkup.finding import Finding
from deploy.local import page_answers
from settings import Settings
from worker.presence import ALIVE_WITHIN_S

COLOURS = {"ok": "green", "note": "dim", "warning": "yellow", "wrong": "red"}


def run(settings: Settings, *, repair: bool, quick: bool, as_json: bool) -> int:
    """Print the report; 1 when something is wrong and was not mended, else 0: a warning is none."""
    findings = list(examine(settings, repair=repair, quick=quick))
    wrong = any(finding.how == "wrong" for finding in findings)
    if as_json:
        print(json.dumps({"ok": not wrong, "findings": [asdict(finding) for finding in findings]}))
        return int(wrong)
    table = Table("", "what", "found", "to do", box=None)
    for finding in findings:
        sign = Text(finding.how, style=COLOURS[finding.how])
        table.add_row(sign, Text(finding.what), Text(finding.found), Text(finding.do))
    Console().print(table)
    return int(wrong)


def examine(settings: Settings, *, repair: bool, quick: bool) -> Iterator[Finding]:
    """Every finding, one after the other; what needs a part that does not answer is left out."""
    yield machine.versions()
    yield machine.gpu(settings)
    store = ArtifactStore(settings.resolved_artifacts_url())
    yield from machine.room(settings, store)
    ledger, said = stores.open_ledger(settings)
    yield from said
    of_broker = list(broker.look(settings))
    yield from of_broker
    index = stores.look_at_index(settings)
    yield index
    yield page(settings)
    if ledger is None:
        return
    try:
        answers = of_broker[0].how == "ok"
        yield from workers.look(ledger, broker=answers)
        yield from machine.photos(settings, ledger)
        if quick:
            yield from stores.count(settings, ledger) if index.how == "ok" else ()
        else:
            alive = list_workers(ledger, alive_within_s=ALIVE_WITHIN_S) if answers else []
            by_worker = any(row.queues == "index" for row in alive)
            yield from stores.compare(settings, ledger, store, repair=repair, by_worker=by_worker)
    finally:
        ledger.close()


def page(settings: Settings) -> Finding:
    """Whether it is where the settings say: in a container, or where that port was taken, it is elsewhere."""
    address = f"{settings.host}:{settings.port}"
    if page_answers(settings.host, settings.port):
        return Finding("page", "ok", f"answers at {address}")
    return Finding(
        "page", "note", f"not at {address}", "`ruiji up` or `ruiji web` starts it; it may be at another port"
    )
