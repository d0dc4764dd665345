"""The labels screen: the list with counts, and the history of decisions with undo."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("labels", __name__)


@blueprint.get("/labels")
def page() -> str:
    """labels.html gets nothing: its script asks the API."""
    return render_template("labels.html")


@blueprint.get("/labels/history")
def history() -> str:
    """history.html gets nothing: its script asks the API."""
    return render_template("history.html")
