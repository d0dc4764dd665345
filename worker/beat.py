"""Runs the clock that sends the sweep, whatever is done to the machine's."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import Scheduler

from settings import Settings
from worker.app import make_celery
from worker.logs import set_up_logging

logger = logging.getLogger("ruiji.beat")


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # celery has no types
    """Goes by the monotonic clock. Celery's own goes by the wall's, and sent nothing for an hour after that was set
    back by one: nobody was woken for what had lost its worker."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._due: dict[str, float] = {}
        super().__init__(*arguments, **options)

    def tick(self, *_: Any, **__: Any) -> float:
        """Send what is due; returns the seconds until the next is."""
        for name, entry in self.schedule.items():
            now = time.monotonic()
            if self._due.get(name, now) <= now:
                self.apply_entry(entry, producer=self.producer)
                self._due[name] = now + entry.schedule.run_every.total_seconds()
        return float(max(0.0, min(self._due.values(), default=self.max_interval) - time.monotonic()))


def run_beat(settings: Settings) -> int:
    """Send the sweep every few seconds; the schedule is held in memory, so no file can be left damaged."""
    settings.check()
    set_up_logging(settings.log_level, settings.log)
    app = make_celery(settings.resolved_broker_url())
    logger.info("ready")
    app.Beat(scheduler=SteadyScheduler, loglevel=settings.log_level, quiet=True, no_color=True).run()
    return 0
