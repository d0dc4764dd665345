"""`ruiji encoder promote | rollback`: another encoder serves once it finds every picture, and the one before again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from catalog.artifacts import ArtifactStore
from catalog.audit import SHELL
from catalog.coverage import Coverage, coverage
from catalog.encoder_files import check_files
from catalog.encoders import SHOWN, Encoder, previous_encoder, serving_encoder
from catalog.index import VectorIndex
from catalog.jobs import UNFINISHED, create_embed_job, list_jobs, resume_job
from catalog.ledger import Ledger
from catalog.switching import NotReady, check_index, roll_back, switch_to
from deploy.shell.encoder import find
from deploy.shell.failures import FAILED
from deploy.shell.ingest import POLL_S, follow, require_workers
from deploy.shell.installed import known_ledger
from settings import Settings
from worker.client import Client, WorkerUnavailable

Follow = Callable[[Ledger, int], int]
Check = Callable[[Encoder], None]
JOBS_LOOKED_AT = 1000


def promote(settings: Settings, wanted: str, *, incomplete: bool) -> int:
    """Register the encoder if it is a folder, fill its collection, and let it serve. Raises NotRunning."""
    ledger = Ledger.open(settings.resolved_database_url())
    store = ArtifactStore(settings.resolved_artifacts_url())
    encoder = find(ledger, store, wanted)
    if not coverage(ledger, encoder.id).complete:
        require_workers(ledger)

    def check(encoder: Encoder) -> None:
        check_files(store, encoder)
        check_index(
            ledger,
            VectorIndex(settings.resolved_index_url(), token=settings.index_token, options=settings.index_options()),
            encoder,
        )

    try:
        wake = partial(_wake, Client(settings.resolved_broker_url()))
        return switch(ledger, encoder, wake=wake, follow=follow, check=check, incomplete=incomplete)
    except KeyboardInterrupt:
        print(
            "\nthe embedding goes on in the background; it switches nothing by itself."
            f" To go on with the switch: ruiji encoder promote {encoder.id[:SHOWN]}",
            file=sys.stderr,
        )
        raise


def switch(
    ledger: Ledger,
    encoder: Encoder,
    *,
    wake: Callable[[], None],
    follow: Follow,
    check: Check,
    incomplete: bool = False,
) -> int:
    """Embed what this encoder does not know, wait until the index has it, promote; returns the exit code.

    `check` raises where the encoder could not serve after all: files or rows that are lost.
    """
    serving = serving_encoder(ledger)
    if serving is not None and serving.id != encoder.id:
        _finish_ingests(ledger, encoder, follow)
    while True:
        code, found = _fill(ledger, encoder, wake=wake, follow=follow)
        if code:
            left = "was not filled to the end; the encoder before goes on serving"
            print(f"ruiji: {encoder.name} {left}", file=sys.stderr)
            return code
        if found.lack and not incomplete:
            print(_lacking(found, encoder), file=sys.stderr)
            return FAILED
        if serving is not None and serving.id != encoder.id:
            check(encoder)
        try:
            done = switch_to(ledger, encoder.id, incomplete=incomplete, by=SHELL)
            break
        except NotReady:  # pictures came in between the last look and the switch: they first
            continue
    _told(wake)
    print(
        f"{encoder.name} ({encoder.id[:SHOWN]}) serves now;"
        f" {done.found.indexed:,} of {done.found.images:,} pictures searchable"
    )
    if done.before is not None:
        print(f"back to {done.before.name}: ruiji encoder rollback")
    return 0


def rollback(settings: Settings) -> int:
    """Let the encoder before serve again, at once, and say what it does not find yet."""
    ledger = known_ledger(settings)
    if (previous := previous_encoder(ledger)) is not None:
        check_files(ArtifactStore(settings.resolved_artifacts_url()), previous)
    done = roll_back(ledger, by=SHELL)
    _told(partial(_wake, Client(settings.resolved_broker_url())))
    print(
        f"{done.encoder.name} ({done.encoder.id[:SHOWN]}) serves again;"
        f" {done.found.indexed:,} of {done.found.images:,} pictures searchable"
    )
    if done.job is not None:
        print(f"{done.lack:,} came since and have no vector of it: job {done.job} embeds them, searches find them then")
    elif done.lack:
        print(f"{done.lack:,} came since, have no vector of it, and their files are gone: no search finds them")
    return 0


def _wake(client: Client) -> None:
    client.wake_embed()
    client.wake_index()


def _told(wake: Callable[[], None]) -> None:
    """After a switch: whoever is not told by this is by the next sweep."""
    try:
        wake()
    except WorkerUnavailable as error:
        print(f"ruiji: {error}; the switch counts all the same", file=sys.stderr)


def _finish_ingests(ledger: Ledger, encoder: Encoder, follow: Follow) -> None:
    """Pictures of an ingest under way get their place only when they are embedded: nothing else knows of them yet."""
    for job in reversed(list_jobs(ledger, limit=JOBS_LOOKED_AT)):
        if job.kind == "ingest" and job.state in UNFINISHED and job.encoder_id != encoder.id:
            if job.state == "paused":
                rest = f"is paused: {encoder.name} embeds the rest of it once it goes on"
                print(f"{job.source_name} {rest}", file=sys.stderr)
            else:
                follow(ledger, job.id)


def _fill(ledger: Ledger, encoder: Encoder, *, wake: Callable[[], None], follow: Follow) -> tuple[int, Coverage]:
    """Jobs until one brings nothing new: pictures that come meanwhile are taken along, those whose files went are not
    asked for forever."""
    before = None
    while (found := coverage(ledger, encoder.id)).lack > 0 and found.lack != before:
        before = found.lack
        job = create_embed_job(ledger, encoder_id=encoder.id, author="shell")
        resume_job(ledger, job)
        wake()
        if code := follow(ledger, job):
            return code, found
    while found.indexed < found.embedded:  # of jobs before this one: `follow` has waited for its own
        require_workers(ledger)
        wake()
        time.sleep(POLL_S)
        found = coverage(ledger, encoder.id)
    return 0, found


def _lacking(found: Coverage, encoder: Encoder) -> str:
    return (
        f"ruiji: {found.lack:,} of {found.images:,} pictures could not be embedded with"
        f" {encoder.name}: their files are gone or cannot be read any more, so the encoder before goes on serving.\n"
        "Ingest their folders again (a disk that is not there?) and repeat, or do without these pictures with:"
        f" ruiji encoder promote --incomplete {encoder.id[:SHOWN]}"
    )
