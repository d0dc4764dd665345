"""`ruiji status`: pictures, jobs and workers, from the ledger alone."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.encoders import serving_encoder
from catalog.images import count_images
from catalog.jobs import JobProgress, list_jobs
from catalog.ledger import Ledger
from catalog.unreadable import list_unreadable
from catalog.workers import WorkerRow, list_workers
from settings import Settings
from worker.presence import ALIVE_WITHIN_S

JOBS_SHOWN = 10


def run(settings: Settings, *, as_json: bool) -> int:
    """Print and return 0, also when nothing is running: the ledger can be read without workers."""
    ledger = Ledger.open(settings.resolved_database_url())
    counts, encoder = count_images(ledger), serving_encoder(ledger)
    jobs, workers = list_jobs(ledger, limit=JOBS_SHOWN), list_workers(ledger, alive_within_s=ALIVE_WITHIN_S)
    unreadable = list_unreadable(ledger, alive_within_s=ALIVE_WITHIN_S)
    if as_json:
        values = {
            "images": asdict(counts),
            "encoder": None if encoder is None else {"id": encoder.id, "name": encoder.name},
            "jobs": [asdict(job) for job in jobs],
            "workers": [asdict(row) for row in workers],
            "unreadable": [asdict(row) for row in unreadable],
        }
        print(json.dumps(values, default=str))
        return 0
    console = Console()
    console.print(
        f"[bold]{counts.images:,}[/bold] images, {counts.labelled:,} labelled, {counts.unlabelled:,} not,"
        f" {counts.bad:,} bad files; encoder {encoder.name if encoder else 'none'}"
    )
    console.print(_jobs(jobs) if jobs else "no jobs yet: add pictures with ruiji ingest FOLDER")
    console.print(_workers(workers) if workers else "no worker is running: start Ruiji with ruiji up")
    for row in unreadable:
        console.print(Text(f"{row.worker} reads nothing of {row.source}: {row.reason}", style="red"))
    return 0


def _jobs(jobs: list[JobProgress]) -> Table:
    table = Table("job", "source", "state", "files", "known", "bad", "searchable", "images/s", "left", box=None)
    for job in jobs:
        left = "" if job.seconds_left is None else f"{job.seconds_left:.0f} s"
        table.add_row(
            str(job.id), Text(job.source_name or ""), job.state, f"{job.done} of {job.total}", str(job.known),
            str(job.bad), "all" if job.searchable else str(job.indexed), f"{job.images_per_s:.0f}", left,
        )  # fmt: skip
    return table


def _workers(workers: list[WorkerRow]) -> Table:
    table = Table("worker", "device", "doing", "images", "heard of", box=None)
    for row in workers:
        ago = f"{max(0.0, time.time() - row.heartbeat_at):.0f} s ago"
        table.add_row(Text(row.name), row.device, Text(row.doing or "waiting"), str(row.images), ago)
    return table
