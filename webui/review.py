"""The screen of one label: its images looked through, suggested ones, and two labels side by side."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("review", __name__)


@blueprint.get("/labels/<int:label_id>")
def page(label_id: int) -> str:
    """review.html: its script asks the API for the label's images, and says so when there is no such label."""
    return render_template("review.html", label_id=label_id)
