"""Jobs: their progress, their bad files, and pause, resume and cancel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Response, jsonify

from catalog import jobs as catalog_jobs
from catalog.ledger import Ledger
from webui import present
from webui.config import parts
from webui.identity import by
from webui.present import shown_path

from .answers import BadFiles, Job, Jobs
from .blueprint import api, described
from .reading import read_query
from .requests import Page
from .waking import told


@api.get("/jobs")
@described("jobs", query=Page, answer=Jobs)
def jobs() -> Response:
    """List the jobs, the newest first."""
    page = read_query(Page)
    rows = catalog_jobs.list_jobs(parts().config.ledger, limit=page.offset + page.limit)
    return jsonify(jobs=[present.job(row) for row in rows[page.offset :]])


@api.get("/jobs/<int:job_id>")
@described("jobs", answer=Job, refusals=(404,))
def job(job_id: int) -> Response:
    """Tell how far a job is."""
    return jsonify(present.job(catalog_jobs.job_progress(parts().config.ledger, job_id)))


@api.get("/jobs/<int:job_id>/bad")
@described("jobs", query=Page, answer=BadFiles, refusals=(404,))
def bad_files(job_id: int) -> Response:
    """List the files that a job could not use, with the reason."""
    page = read_query(Page)
    ledger = parts().config.ledger
    catalog_jobs.job_progress(ledger, job_id)
    rows = catalog_jobs.bad_files(ledger, job_id, page.limit, page.offset)
    return jsonify(
        bad=[{"path": shown_path(row.path), "kind": row.kind, "reason": row.reason, "at": row.at} for row in rows]
    )


@api.post("/jobs/<int:job_id>/pause")
@described("jobs", answer=Job, refusals=(400, 404, 409))
def pause(job_id: int) -> Response:
    """Pause a job; what it has done stays."""
    return changed(catalog_jobs.pause_job, job_id)


@api.post("/jobs/<int:job_id>/resume")
@described("jobs", answer=Job, refusals=(400, 404, 409))
def resume(job_id: int) -> Response:
    """Go on with a paused job."""
    answer = changed(catalog_jobs.resume_job, job_id)
    client = parts().config.client
    told(client.wake_embed)
    return answer


@api.post("/jobs/<int:job_id>/cancel")
@described("jobs", answer=Job, refusals=(400, 404, 409))
def cancel(job_id: int) -> Response:
    """End a job; what it has done stays."""
    return changed(partial(catalog_jobs.cancel_job, by=by()), job_id)


def changed(change: Callable[[Ledger, int], object], job_id: int) -> Response:
    ledger = parts().config.ledger
    change(ledger, job_id)
    return jsonify(present.job(catalog_jobs.job_progress(ledger, job_id)))
