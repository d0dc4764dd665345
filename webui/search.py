"""The main screen: search and label."""

from __future__ import annotations

from flask import Blueprint, render_template

from .config import parts

blueprint = Blueprint("search", __name__)
BEYOND_THE_WORKER_S = 12.0  # for all of a search that is not the query worker's: the index, the ledger, the way


@blueprint.get("/")
def page() -> str:
    """The search itself is in the address; the page's script asks the API for it, and gives up later than we do."""
    return render_template("search.html", patience_s=parts().config.query_timeout_s + BEYOND_THE_WORKER_S)
