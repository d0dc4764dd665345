"""`ruiji status`: pictures, jobs, queues, and the machines with their workers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.figures import Figures, figures
from catalog.jobs import JobProgress, list_jobs
from catalog.unreadable import list_unreadable
from catalog.workers import WorkerRow
from deploy.shell.installed import known_ledger
from settings import Settings
from worker.app import QUEUES
from worker.client import Client, WorkerUnavailable
from worker.presence import ALIVE_WITHIN_S

JOBS_SHOWN = 10


@dataclass(frozen=True)
class QueueState:
    """`waiting` are messages, `open` the work in the ledger; None where nobody can tell."""

    queue: str
    workers: int
    waiting: int | None
    open: int | None
    oldest_s: float | None


@dataclass(frozen=True)
class Node:
    """A machine: its workers, its GPUs by name, and what they do together in a second."""

    host: str
    workers: int
    gpus: tuple[str, ...]
    versions: tuple[str, ...]
    images_per_s: float


def run(settings: Settings, *, as_json: bool) -> int:
    """Print and return 0, also when nothing is running: the ledger can be read without workers."""
    ledger = known_ledger(settings)
    found, jobs = figures(ledger), list_jobs(ledger, limit=JOBS_SHOWN)
    alive = [row for row in found.workers if found.now - row.heartbeat_at <= ALIVE_WITHIN_S]
    queues, nodes = queues_of(found, alive, waiting(settings)), nodes_of(alive)
    unreadable = list_unreadable(ledger, alive_within_s=ALIVE_WITHIN_S)
    if as_json:
        values = {
            "images": asdict(found.counts),
            "encoder": None if found.serving is None else {"id": found.serving.id, "name": found.serving.name},
            "index": {"embedded": found.embedded, "indexed": found.indexed, "changes": found.changes},
            "chunks": found.chunks,
            "jobs": [asdict(job) for job in jobs],
            "queues": [asdict(queue) for queue in queues],
            "nodes": [asdict(node) for node in nodes],
            "workers": [asdict(row) for row in alive],
            "unreadable": [asdict(row) for row in unreadable],
        }
        print(json.dumps(values, default=str))
        return 0
    console, counts = Console(), found.counts
    console.print(
        f"[bold]{counts.images:,}[/bold] images, {counts.labelled:,} labelled, {counts.unlabelled:,} not,"
        f" {counts.bad:,} bad files; encoder {found.serving.name if found.serving else 'none'}:"
        f" {found.embedded:,} embedded, {found.indexed:,} searchable"
    )
    console.print(_jobs(jobs) if jobs else "no jobs yet: add pictures with ruiji ingest FOLDER")
    console.print(_queues(queues))
    if not alive:
        console.print("no worker is running: start Ruiji with ruiji up")
        return 0
    console.print(_nodes(nodes))
    console.print(_workers(alive, found.now))
    for row in unreadable:
        console.print(Text(f"{row.worker} reads nothing of {row.source}: {row.reason}", style="red"))
    return 0


def waiting(settings: Settings) -> dict[str, int]:
    """Messages of each queue; nothing where the broker does not answer."""
    client = Client(settings.resolved_broker_url())
    try:
        return {queue: client.waiting(queue) for queue in QUEUES}
    except WorkerUnavailable:
        return {}
    finally:
        client.close()


def queues_of(found: Figures, alive: Sequence[WorkerRow], waiting: dict[str, int]) -> list[QueueState]:
    """Every queue, whoever serves it."""
    known = {queue.name: queue for queue in found.queues}
    return [
        QueueState(
            queue=name,
            workers=sum(name in row.queues.split(",") for row in alive),
            waiting=waiting.get(name),
            open=known[name].open if name in known else None,
            oldest_s=known[name].oldest_s if name in known else None,
        )
        for name in QUEUES
    ]


def nodes_of(alive: Sequence[WorkerRow]) -> list[Node]:
    """The machines, by name. Rows that an index worker writes are not pictures that were embedded."""
    hosts: dict[str, list[WorkerRow]] = {}
    for row in alive:
        hosts.setdefault(row.host, []).append(row)
    return [
        Node(
            host=host,
            workers=len(rows),
            gpus=tuple(sorted({f"{row.device} {row.gpu or ''}".strip() for row in rows if row.device != "cpu"})),
            versions=tuple(sorted({row.version for row in rows if row.version})),
            images_per_s=sum(row.images_per_s or 0.0 for row in rows if row.queues == "embed"),
        )
        for host, rows in sorted(hosts.items())
    ]


def _jobs(jobs: list[JobProgress]) -> Table:
    table = Table("job", "source", "state", "files", "known", "bad", "searchable", "images/s", "left", box=None)
    for job in jobs:
        left = "" if job.seconds_left is None else f"{job.seconds_left:.0f} s"
        table.add_row(
            str(job.id), Text(job.source_name or ""), job.state, f"{job.done} of {job.total}", str(job.known),
            str(job.bad), "all" if job.searchable else str(job.indexed), f"{job.images_per_s:.0f}", left,
        )  # fmt: skip
    return table


def _queues(queues: Sequence[QueueState]) -> Table:
    table = Table("queue", "workers", "messages", "open", "oldest", box=None)
    for queue in queues:
        oldest = "" if queue.oldest_s is None else f"{queue.oldest_s:.0f} s"
        table.add_row(queue.queue, str(queue.workers), _number(queue.waiting), _number(queue.open), oldest)
    return table


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _nodes(nodes: Sequence[Node]) -> Table:
    table = Table("machine", "workers", "GPUs", "version", "embedded/s", box=None)
    for node in nodes:
        gpus, versions = Text(", ".join(node.gpus) or "none"), Text(", ".join(node.versions))
        table.add_row(Text(node.host), str(node.workers), gpus, versions, f"{node.images_per_s:.0f}")
    return table


def _workers(workers: Sequence[WorkerRow], now: float) -> Table:
    table = Table("worker", "device", "doing", "images", "images/s", "heard of", box=None)
    for row in workers:
        ago = f"{max(0.0, now - row.heartbeat_at):.0f} s ago"
        rate = f"{row.images_per_s or 0.0:.0f}"
        table.add_row(Text(row.name), row.device, Text(row.doing or "waiting"), str(row.images), rate, ago)
    return table
