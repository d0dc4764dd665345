"""What `ruiji up` says of the ingests that it has started: how far each is, what came of it, and where to go now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from catalog.figures import figures
from catalog.jobs import JobProgress, bad_files, job_progress
from catalog.ledger import Ledger

EVERY_S = 3.0
BAD_SHOWN = 5


class IngestLines:
    """Called again and again; says something every few seconds, and `last` when all have ended."""

    def __init__(
        self, ledger: Ledger, jobs: Sequence[int], *, say: Callable[[str], None], page: str, last: Sequence[str]
    ) -> None:
        self._ledger, self._running, self._say = ledger, list(jobs), say
        self._page, self._last = page, last
        self._said = time.monotonic()

    def __call__(self) -> None:
        """Say what is due."""
        if not self._running or time.monotonic() - self._said < EVERY_S:
            return
        self._said = time.monotonic()
        for number in list(self._running):
            job = job_progress(self._ledger, number)
            if not ended(job):
                self._say(under_way(job))
                continue
            self._running.remove(number)
            for line in outcome(self._ledger, job, page=self._page):
                self._say(line)
        if not self._running:
            self._say(f"{figures(self._ledger).indexed:,} images are searchable")
            for line in self._last:
                self._say(line)


def ended(job: JobProgress) -> bool:
    """Whether nothing more comes of it: done, and in the index too, or given up."""
    return job.state in ("failed", "cancelled") or (job.state == "done" and job.searchable)


def under_way(job: JobProgress) -> str:
    """How far it is; without a speed while there is none to speak of."""
    left = f", {job.seconds_left:.0f} s left" if job.seconds_left else ""
    rate = f" ({job.images_per_s:.0f} images/s{left})" if job.images_per_s >= 1 else ""
    if job.state == "scanning":
        return f"{job.source_name}: looking through the folder, {job.scanned:,} files so far"
    return f"{job.source_name}: {job.done:,} of {job.total:,} files{rate}, {job.bad:,} bad, {job.indexed:,} searchable"


def outcome(ledger: Ledger, job: JobProgress, *, page: str) -> list[str]:
    """What came of it, and the first files that it could not use."""
    lines = [
        f"{job.source_name}: {job.state}; {job.total:,} files: {job.known:,} known already,"
        f" {job.indexed:,} new ones searchable, {job.bad:,} bad"
    ]
    if job.error:
        lines.append(f"{job.source_name}: {job.error}")
    for bad in bad_files(ledger, job.id, limit=BAD_SHOWN) if job.bad else ():
        # Names may hold line breaks, quotes or bytes that are no text: shown as Python would write them.
        lines.append(f"  {os.fsdecode(bad.path)!r}: {bad.reason}")
    if job.bad:
        more = f"  … and {job.bad - BAD_SHOWN:,} more; " if job.bad > BAD_SHOWN else "  "
        lines.append(f"{more}the list of bad files: {page}/jobs")
    return lines
