"""A machine whose clock is set back by an hour: sweeps are sent, and nobody waits for longer than was said."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from catalog.tables import worker
from catalog.workers import announce, list_workers
from tests.worker.conftest import client, context, settings
from worker.app import SWEEP, make_celery
from worker.beat import SteadyScheduler
from worker.client import Client, WorkerUnavailable
from worker.context import Context
from worker.sweep import Sweep

__all__ = ["client", "context", "settings"]

HOUR_S = 3600.0
BACK_S = 60.0  # as long as the test takes where it fails


class Recording(SteadyScheduler):
    """Sends nothing, and counts."""

    def __init__(self, **options: Any) -> None:
        self.sent = 0
        super().__init__(**options)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        self.sent += 1


class Time:
    """The monotonic clock as beat's service goes by it: it sleeps for as long as a tick says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def run(self, scheduler: Recording, *, for_s: float) -> int:
        """How many are sent meanwhile."""
        before, until = scheduler.sent, self.now + for_s
        while self.now < until:
            self.now += min(max(0.001, scheduler.tick()), until - self.now)
        return scheduler.sent - before


def test_sweeps_are_sent_as_often_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_celery("memory://")
    app.conf.beat_schedule = {"sweep": {"task": SWEEP, "schedule": 10}}
    passing = Time()
    monkeypatch.setattr("worker.beat.time.monotonic", lambda: passing.now)
    scheduler = Recording(app=app, Producer=lambda *_, **__: None)
    assert passing.run(scheduler, for_s=55) == 6, "at once, and every ten seconds"
    wall, moved_s = time.time, 0.0
    now = app.now
    monkeypatch.setattr(time, "time", lambda: wall() + moved_s)
    monkeypatch.setattr(app, "now", lambda: now() + timedelta(seconds=moved_s))
    for moved_s in (-HOUR_S, HOUR_S, 0.0):
        assert 5 <= passing.run(scheduler, for_s=50) <= 6, moved_s


def test_a_search_waits_no_longer_when_the_clock_is_set_back_meanwhile(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client._replies.sign_of_life("query")  # of a worker that has died since
    wall, began = time.time, time.time()
    monkeypatch.setattr(time, "time", lambda: wall() if wall() < began + 1 else wall() - BACK_S)
    started = time.monotonic()
    with pytest.raises(WorkerUnavailable, match="no query worker answered"):
        client.embed_query(key="uploads/none", timeout_s=2)
    assert time.monotonic() - started < BACK_S / 2


def test_the_sweep_ends_what_lies_ahead(context: Context) -> None:
    ledger = context.ledger
    announce(ledger, name="dead", queues="embed", host="h", pid=1, device="cpu")
    with ledger.write() as connection:
        ahead = worker.c.heartbeat_at + 24 * HOUR_S
        connection.execute(update(worker).where(worker.c.name == "dead").values(heartbeat_at=ahead))
    Sweep(context).run()
    (row,) = [row for row in list_workers(ledger, alive_within_s=60) if row.name == "dead"]
    assert row.heartbeat_at <= time.time()
