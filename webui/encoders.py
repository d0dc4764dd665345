"""The encoders screen: what there is, what serves, and how good each is."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("encoders", __name__)


@blueprint.get("/encoders")
def page() -> str:
    """encoders.html gets nothing: its script asks the API."""
    return render_template("encoders.html")
