"""`ruiji ingest`: records the work in the ledger, wakes the workers, and shows what they do."""

from __future__ import annotations

import os
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from catalog.audit import SHELL
from catalog.encoders import serving_encoder
from catalog.jobs import JobProgress, bad_files, create_ingest_job, job_progress
from catalog.ledger import Ledger
from catalog.sources import add_source
from catalog.storage.pictures import PictureStorage
from catalog.workers import list_workers
from deploy.shell.failures import FAILED, NotRunning
from deploy.shell.installed import known_ledger
from settings import Settings
from worker.client import Client
from worker.models import NoEncoder
from worker.presence import ALIVE_WITHIN_S

POLL_S = 0.25
BAD_SHOWN = 20
START_HINT = "start Ruiji in another terminal with: ruiji up"
FINISHED = ("done", "failed", "cancelled")


def run(settings: Settings, folders: list[str], *, labels_from_folders: bool, wait: bool) -> int:
    """Ingest and show the progress. Raises NotRunning when no worker is there to do it."""
    storage = PictureStorage.of(**settings.where_pictures_are())
    roots = [storage.root_of(folder) for folder in folders]
    ledger = known_ledger(settings)
    require_workers(ledger)
    encoder = serving_encoder(ledger)
    if encoder is None:
        raise NoEncoder(f"no encoder serves yet; {START_HINT}")
    client = Client(settings.resolved_broker_url())
    jobs = []
    for root in roots:
        source = add_source(ledger, root, labels_from_folders=labels_from_folders, by=SHELL)
        jobs.append(create_ingest_job(ledger, source_id=source.id, encoder_id=encoder.id, author="shell"))
        client.wake_embed()
    if not wait:
        print("the ingest goes on in the background; watch it with: ruiji status")
        return 0
    try:
        return max(follow(ledger, number) for number in jobs)
    except KeyboardInterrupt:
        print("\nthe ingest goes on in the background; watch it with: ruiji status", file=sys.stderr)
        raise


def require_workers(ledger: Ledger) -> None:
    """Raise NotRunning unless an embed and an index worker have given a sign of life."""
    alive = {queue for row in list_workers(ledger, alive_within_s=ALIVE_WITHIN_S) for queue in row.queues.split(",")}
    for queue in ("embed", "index"):
        if queue not in alive:
            raise NotRunning(f"no {queue} worker is running; {START_HINT}")


def follow(ledger: Ledger, number: int) -> int:
    """Show one job until all that it made can be searched; returns the exit code."""
    console = Console(stderr=not sys.stdout.isatty())
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rest]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    looked, said = time.monotonic(), ""
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("scanning", total=None, rest="")
        while True:
            job = job_progress(ledger, number)
            _show(progress, bar, job)
            if job.error and job.error != said and job.state not in FINISHED:
                said = job.error
                progress.console.print(f"  {said}", markup=False, highlight=False)
            if job.state in FINISHED and (job.state != "done" or job.searchable):
                break
            if time.monotonic() - looked > ALIVE_WITHIN_S:
                looked = time.monotonic()
                require_workers(ledger)
            time.sleep(POLL_S)
    return _summary(ledger, job)


def _show(progress: Progress, bar: TaskID, job: JobProgress) -> None:
    rest = f"{job.images_per_s:.0f} images/s" if job.images_per_s else ""
    if job.seconds_left is not None and job.state == "running":
        rest += f", {job.seconds_left:.0f} s left"
    what = {"scanning": "scanning", "running": "embedding", "paused": "paused"}.get(job.state, "indexing")
    total = job.total if job.state != "scanning" else None
    progress.update(bar, description=f"{_named(job)}: {what}", completed=job.done, total=total, rest=rest)


def _named(job: JobProgress) -> str:
    """An embedding of everything has no source."""
    return job.source_name or "all pictures"


def _summary(ledger: Ledger, job: JobProgress) -> int:
    print(
        f"{_named(job)}: {job.state}; {job.embedded} embedded, {job.known} known already, {job.bad} bad,"
        f" {job.indexed} new ones searchable"
    )
    if job.bad:
        for bad in bad_files(ledger, job.id, limit=BAD_SHOWN, offset=0):
            # Names may hold line breaks, quotes or bytes that are no text: shown as Python would write them.
            print(f"  {os.fsdecode(bad.path)!r}: {bad.reason}")
        if job.bad > BAD_SHOWN:
            print(f"  … and {job.bad - BAD_SHOWN} more; the jobs page lists all")
    if job.error:
        print(f"  {job.error}", file=sys.stderr)
    return 0 if job.state == "done" else FAILED
