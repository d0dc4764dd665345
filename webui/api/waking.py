"""Telling workers that there is work: a courtesy, since the work lies in the ledger and a sweep finds it anyway."""

from __future__ import annotations

import logging
from collections.abc import Callable

from worker.client import WorkerUnavailable

log = logging.getLogger(__name__)


def told(*calls: Callable[[], object]) -> bool:
    """Make the calls; False if the broker did not take one of them."""
    try:
        for call in calls:
            call()
    except WorkerUnavailable as error:
        log.warning("no worker is told, the work waits in the ledger for the next sweep: %s", error)
        return False
    return True
