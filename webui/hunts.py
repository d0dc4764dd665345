"""The hunt screens: the list of hunts, and one of them at work."""

from __future__ import annotations

from flask import Blueprint, render_template

from .config import parts
from .search import BEYOND_THE_WORKER_S

blueprint = Blueprint("hunts", __name__)


def patience_s() -> float:
    """How long a page waits for an answer that may need the query worker: an example is embedded by it."""
    return parts().config.query_timeout_s + BEYOND_THE_WORKER_S


@blueprint.get("/hunts")
def page() -> str:
    """hunts.html: its script asks the API for the hunts, and starts new ones."""
    return render_template("hunts.html", patience_s=patience_s())


@blueprint.get("/hunts/<string(length=22):hunt_id>")
def hunt(hunt_id: str) -> str:
    """hunt.html: its script asks the API for the hunt, and says so when there is none of that id."""
    return render_template("hunt.html", hunt_id=hunt_id, patience_s=patience_s())
