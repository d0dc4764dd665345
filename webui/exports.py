"""The export screen: which labels, in which format, how much that is, and the download."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("exports", __name__)


@blueprint.get("/export")
def page() -> str:
    """export.html gets nothing: its script asks the API."""
    return render_template("export.html")
