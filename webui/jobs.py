"""The jobs screen: ingests, their progress and their bad files."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("jobs", __name__)


@blueprint.get("/jobs")
def page() -> str:
    """jobs.html gets nothing: its script asks the API, again and again while a job runs."""
    return render_template("jobs.html")
