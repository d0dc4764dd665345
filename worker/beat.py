"""Runs the clock that sends the sweep."""

from __future__ import annotations

import logging

from settings import Settings
from worker.app import make_celery
from worker.logs import set_up_logging

logger = logging.getLogger("ruiji.beat")


def run_beat(settings: Settings) -> int:
    """Send the sweep every few seconds; the schedule is held in memory, so no file can be left damaged."""
    settings.check()
    set_up_logging(settings.log_level, settings.log)
    app = make_celery(settings.resolved_broker_url())
    logger.info("ready")
    app.Beat(scheduler="celery.beat:Scheduler", loglevel=settings.log_level, quiet=True, no_color=True).run()
    return 0
