"""The periodic sweep: wakes again what lost its worker, ends finished jobs, clears what nobody needs any more."""

from __future__ import annotations

import logging
import threading
import time

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.chunks import open_work
from catalog.clock_steps import end_leases_ahead
from catalog.encoders import serving_encoder
from catalog.gangs import count_waiting
from catalog.jobs import complete_jobs
from catalog.unreadable import tell_jobs
from catalog.workers import forget_silent
from curate.kept_matches import FOLDER as MATCHES
from worker.context import Context
from worker.presence import ALIVE_WITHIN_S, FORGET_AFTER_S

PASSING = {"uploads": "pictures that were searched by", MATCHES: "selections"}
PASSING_S = 3600.0
CLEAR_EVERY_S = 60.0

logger = logging.getLogger("ruiji.sweep")


class Sweep:
    """One at a time in a process; several processes at once do no harm, only double work."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._busy = threading.Lock()
        self._cleared = 0.0
        self._serves = ""

    def run(self) -> None:
        """Look at the ledger once."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            context = self._context
            for job in complete_jobs(context.ledger):
                logger.info("job %d is done", job)
            if ended := end_leases_ahead(context.ledger, lease_s=context.limits.lease_s):
                logger.warning("the clock was set back: %d leases and beats of before end soon", ended)
            tell_jobs(context.ledger, alive_within_s=ALIVE_WITHIN_S)
            work = open_work(context.ledger)
            if work.chunks or work.scans:
                context.client.wake_embed()
            serving = serving_encoder(context.ledger)
            switched = serving is not None and serving.id != self._serves
            if work.shards or work.changes or switched:
                context.client.wake_index()
            if count_waiting(context.ledger):
                context.client.wake_train()
            self._serves = serving.id if serving else ""
            if time.monotonic() - self._cleared > CLEAR_EVERY_S:
                self._cleared = time.monotonic()
                self._clear()
        finally:
            self._busy.release()

    def _clear(self) -> None:
        for name, silent_s in forget_silent(self._context.ledger, after_s=FORGET_AFTER_S).items():
            logger.warning("worker %s has been silent for %.0f s: forgotten", name, silent_s)
        for folder, what in PASSING.items():
            if deleted := delete_old(self._context.store, folder, older_than_s=PASSING_S):
                logger.info("%d %s deleted after their hour", deleted, what)


def delete_old(store: ArtifactStore, folder: str, *, older_than_s: float) -> int:
    """Delete what was put below this folder longer ago than this; returns how many."""
    deleted = 0
    for key in list(store.list(folder)):
        try:
            deleted += store.age(key) > older_than_s and store.delete(key)
        except ArtifactMissing:
            continue
    return deleted
