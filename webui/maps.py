"""The map screen: all photos laid out by what they look like, by one encoder or by two side by side."""

from __future__ import annotations

from flask import Blueprint, render_template

from .hunts import patience_s

blueprint = Blueprint("maps", __name__)


@blueprint.get("/map")
def page() -> str:
    """map.html: its script asks the API for maps, and has them drawn."""
    return render_template("map.html", patience_s=patience_s())
