"""Jobs: an ingest of a source or an embedding of everything, from the scan to the last chunk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, exists, func, select, update

from catalog import rests, tables
from catalog.audit import By, note
from catalog.embed_again import embed_lacking
from catalog.embed_jobs import UNFINISHED, create_embed_job, create_job, unfinished_job
from catalog.encoders import load_encoder, serving_id
from catalog.errors import UnknownJob
from catalog.job_progress import BadFile, JobProgress, bad_files, job_progress, list_jobs
from catalog.ledger import Ledger, clock
from catalog.plain_text import plain_text
from catalog.sources import Source, load_source
from catalog.vanished import delete_vanished

__all__ = [
    "UNFINISHED",
    "BadFile",
    "JobProgress",
    "ScanClaim",
    "bad_files",
    "cancel_job",
    "claim_scan",
    "complete_jobs",
    "create_embed_job",
    "create_ingest_job",
    "fail_scan",
    "hand_scan_back",
    "heartbeat_scan",
    "job_progress",
    "list_jobs",
    "pause_job",
    "resume_job",
    "scan_broke",
    "scan_done",
]

MAX_SCAN_FAILURES = 4

_SCAN_WAITS = (
    select(tables.job.c.id)
    .where(tables.job.c.state == "scanning", tables.job.c.scan_lease_until < bindparam("now"))
    .limit(1)
)


@dataclass(frozen=True)
class ScanClaim:
    """A source to scan; what the scan reports counts only under this fence."""

    job_id: int
    source: Source
    encoder_id: str
    fence: int


def create_ingest_job(ledger: Ledger, *, source_id: int, encoder_id: str, author: str) -> int:
    """A job that scans and embeds a source, or the unfinished one that there is; UnknownSource, UnknownEncoder."""
    job = tables.job
    with ledger.write() as connection:
        load_source(connection, source_id, lock=True)
        load_encoder(connection, encoder_id)
        same = (job.c.kind == "ingest", job.c.source_id == source_id, job.c.encoder_id == encoder_id)
        if (found := unfinished_job(connection, *same)) is not None:
            return found
        values = {"kind": "ingest", "source_id": source_id, "state": "scanning"}
        return create_job(connection, encoder_id=encoder_id, author=author, **values)


def claim_scan(
    ledger: Ledger,
    *,
    worker: str,
    lease_s: float,
    job_id: int | None = None,
    without_sources: Collection[int] = (),
) -> ScanClaim | None:
    """The oldest scan that nobody works on, or that of `job_id`; None if there is none. It counts from nothing.

    None of `without_sources`, which another worker can read and this one cannot.
    """
    job = tables.job
    with ledger.read() as connection:  # asked before every chunk: a write would wait for its turn, and for others
        if connection.execute(_SCAN_WAITS, {"now": clock(connection)}).one_or_none() is None:
            return None
    with ledger.write() as connection:
        now = clock(connection)
        query = select(job).where(job.c.state == "scanning", job.c.scan_lease_until < now).order_by(job.c.id).limit(1)
        if job_id is not None:
            query = query.where(job.c.id == job_id)
        if without_sources:
            query = query.where(job.c.source_id.not_in(without_sources))
        row = connection.execute(query.with_for_update(skip_locked=True, key_share=True)).one_or_none()
        if row is None:
            return None
        connection.execute(
            update(job)
            .where(job.c.id == row.id)
            .values(
                scan_fence=row.scan_fence + 1,
                scan_lease_until=now + lease_s,
                started_at=func.coalesce(job.c.started_at, now),
                scanned=0,
                known=0,
            )
        )
        return ScanClaim(row.id, load_source(connection, row.source_id), row.encoder_id, row.scan_fence + 1)


def heartbeat_scan(ledger: Ledger, claim: ScanClaim, lease_s: float) -> bool:
    """Prolong the lease; False when the job was paused or ended, or the scan is another worker's."""
    with ledger.write() as connection:
        return _update_scan(connection, claim, {"scan_lease_until": clock(connection) + lease_s})


def scan_done(ledger: Ledger, claim: ScanClaim) -> bool:
    """All files are recorded and in chunks: the job runs. False, and nothing written, if the claim was lost."""
    with ledger.write() as connection:
        job = tables.job
        done: dict[str, Any] = {
            "state": "running",
            "scan_lease_until": 0.0,
            "scan_done_at": clock(connection),
            "scan_failures": 0,
        }
        done["error"] = case((job.c.scan_failures > 0, None), else_=job.c.error)
        return _update_scan(connection, claim, done)


def fail_scan(ledger: Ledger, claim: ScanClaim, *, error: str) -> bool:
    """The folder cannot be scanned: the job has failed. False, and nothing written, if the claim was lost."""
    with ledger.write() as connection:
        failed = {"state": "failed", "scan_lease_until": 0.0, "finished_at": clock(connection), "error": error}
        return _update_scan(connection, claim, failed)


def hand_scan_back(ledger: Ledger, claim: ScanClaim) -> bool:
    """Another worker is to do the scan, at once; False, and nothing written, if the claim was lost."""
    with ledger.write() as connection:
        return _update_scan(connection, claim, {"scan_lease_until": 0.0})


def scan_broke(ledger: Ledger, claim: ScanClaim, *, error: str, counts: bool = True) -> bool:
    """A scan ended by an error, which stands with the job; it begins again after a rest, but not for ever.

    True if the job has failed by it. `counts` False: the error is of the surroundings, and may pass.
    """
    job = tables.job
    said = plain_text(error)
    with ledger.write() as connection:
        now = clock(connection)
        row = connection.execute(
            select(job.c.scan_failures, job.c.scan_fence, job.c.state)
            .where(job.c.id == claim.job_id)
            .with_for_update(key_share=True)
        ).one()
        failures = row.scan_failures + counts
        failed: dict[str, Any] = {
            "state": "failed",
            "scan_lease_until": 0.0,
            "finished_at": now,
            "scan_failures": failures,
        }
        if failures >= MAX_SCAN_FAILURES:
            failed["error"] = f"the folder could not be scanned in {failures} attempts: {said}"
            return _update_scan(connection, claim, failed)
        again = {"scan_lease_until": now + rests.SCAN_S, "scan_failures": failures, "error": said}
        _update_scan(connection, claim, again)
        return False


def pause_job(ledger: Ledger, job_id: int) -> bool:
    """Stop work on a job until it is resumed; False if it was not at work. UnknownJob."""
    return _change(ledger, job_id, ("scanning", "running"), "paused")


def resume_job(ledger: Ledger, job_id: int) -> bool:
    """Go on with a paused job where it was; False if it was not paused. UnknownJob."""
    return _change(ledger, job_id, ("paused",), "running")


def cancel_job(ledger: Ledger, job_id: int, *, by: By | None = None) -> bool:
    """End a job; what it has done stays. False if it had ended. UnknownJob. `by`: for the audit log."""
    return _change(ledger, job_id, UNFINISHED, "cancelled", by=by)


def complete_jobs(ledger: Ledger) -> list[int]:
    """End the jobs whose work is done, and delete the images that their source showed and nothing shows any more."""
    job, chunk = tables.job, tables.chunk
    at_work = exists().where(chunk.c.job_id == job.c.id, chunk.c.state.in_(["open", "claimed"]))
    ready = select(job.c.id, job.c.source_id).where(job.c.state == "running", ~at_work)
    with ledger.read() as connection:
        rows = connection.execute(ready.order_by(job.c.id)).all()
    ended = []
    for row in rows:
        # Before the job counts as done: if this breaks off, the next call finds the job and does the rest.
        if row.source_id is not None:
            delete_vanished(ledger, row.source_id)
        with ledger.write() as connection:
            done = update(job).where(job.c.id == row.id, job.c.state == "running", ~at_work)
            if connection.execute(done.values(state="done", finished_at=clock(connection))).rowcount:
                _follow_the_switch(connection, row.id)
                ended.append(int(row.id))
    return ended


def _follow_the_switch(connection: Connection, job_id: int) -> None:
    """What an ingest embedded with an encoder that does not serve any more is embedded with the one that does."""
    job = tables.job
    row = connection.execute(select(job.c.kind, job.c.encoder_id).where(job.c.id == job_id)).one()
    serving = serving_id(connection)
    if row.kind == "ingest" and serving not in (None, row.encoder_id):
        embed_lacking(connection, serving, author="switch")


def _update_scan(connection: Connection, claim: ScanClaim, values: dict[str, Any]) -> bool:
    job = tables.job
    ours = (job.c.id == claim.job_id, job.c.scan_fence == claim.fence, job.c.state == "scanning")
    if connection.execute(update(job).where(*ours).values(**values)).rowcount != 1:
        return False
    if values.get("state") == "failed":
        _follow_the_switch(connection, claim.job_id)
    return True


def _change(ledger: Ledger, job_id: int, before: tuple[str, ...], after: str, *, by: By | None = None) -> bool:
    job, source = tables.job, tables.source
    with ledger.write() as connection:
        row: Row[Any] | None = connection.execute(
            select(job).where(job.c.id == job_id).with_for_update(key_share=True)
        ).one_or_none()
        if row is None:
            raise UnknownJob(job_id)
        if row.state not in before:
            return False
        values: dict[str, Any] = {"state": after, "scan_lease_until": 0.0}
        if after == "running" and row.scan_done_at is None:
            values["state"] = "scanning"
        if after == "cancelled":
            values["finished_at"] = clock(connection)
        # A scan that is under way learns of it from its fence.
        connection.execute(update(job).where(job.c.id == job_id).values(scan_fence=row.scan_fence + 1, **values))
        if after == "cancelled":
            _follow_the_switch(connection, job_id)
        if by is not None:
            name = connection.execute(select(source.c.name).where(source.c.id == row.source_id)).scalar()
            note(connection, by, f"job {after}", f"job {job_id}" + (f" of {name}" if name else ""))
        return True
