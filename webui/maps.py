"""The map screen: all photos laid out by what they look like, by one encoder or by two side by side."""

from __future__ import annotations

from importlib.util import find_spec

from flask import Blueprint, render_template

from .config import parts
from .hunts import patience_s

DRAWING = ("openTSNE", "sklearn")

blueprint = Blueprint("maps", __name__)


@blueprint.get("/map")
def page() -> str:
    """map.html: its script asks the API for maps, and has them drawn."""
    return render_template("map.html", patience_s=patience_s(), missing=missing())


def missing() -> str:
    """What a person has to do before a map can be drawn, as far as is known here; empty where it can be.

    Looked at for each page: `make maps` serves the page of a running Ruiji too.
    """
    if not parts().config.draws_maps or all(find_spec(name) is not None for name in DRAWING):
        return ""
    return (
        "Maps are drawn by openTSNE and scikit-learn, which are not installed: say `make maps` in Ruiji's folder,"
        " then load this page again."
    )
