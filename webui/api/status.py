"""The state of the whole, pictures to try, the CSRF token, and the description of the API."""

from __future__ import annotations

from flask import Response, jsonify
from flask_wtf.csrf import generate_csrf

from catalog.encoders import serving_encoder
from catalog.images import count_images
from catalog.jobs import list_jobs
from catalog.runs import list_runs
from catalog.unreadable import list_unreadable
from catalog.workers import list_workers
from webui import present
from webui import samples as pictures
from webui.config import parts
from webui.present_run import run as run_shown

from .answers import Samples, Status, Token
from .blueprint import api, described
from .document import document

ALIVE_WITHIN_S = 30.0


@api.get("/status")
@described("status", answer=Status)
def status() -> Response:
    """Tell what serves, how much there is, who works and what runs."""
    have = parts().config
    serving = serving_encoder(have.ledger)
    unreadable = list_unreadable(have.ledger, alive_within_s=ALIVE_WITHIN_S)
    return jsonify(
        encoder=serving and present.encoder(serving, serving_id=serving.id),
        counts=present.counts(count_images(have.ledger)),
        workers=[present.worker(row, unreadable) for row in list_workers(have.ledger, ALIVE_WITHIN_S)],
        jobs=[present.job(row) for row in list_jobs(have.ledger, limit=5)],
        runs=[run_shown(row) for row in list_runs(have.ledger, limit=5)],
        free_bytes=have.store.free_bytes(),
    )


@api.get("/samples")
@described("status", answer=Samples)
def samples() -> Response:
    """List the pictures to try."""
    offered = pictures.offered(parts().config.samples_dir)
    return jsonify(samples=[present.sample(picture) for picture in offered])


@api.get("/token")
@described("status", answer=Token)
def token() -> Response:
    """The token that every request that changes something carries in the header X-CSRF-Token.

    Pages hold it in their head already; this is for a page whose session was replaced, and for programs.
    """
    return jsonify(token=generate_csrf())


@api.get("/openapi.json")
def openapi() -> Response:
    return jsonify(document())
