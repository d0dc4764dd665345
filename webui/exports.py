"""The export screen: which labels, in which format, how much that is, and the download."""

from __future__ import annotations

from flask import Blueprint, render_template

from .config import parts
from .identity import visitor

blueprint = Blueprint("exports", __name__)


@blueprint.get("/export")
def page() -> str:
    """export.html gets the home for its command, if an admin looks: others are not told where things lie here."""
    return render_template("export.html", shell_home=parts().config.shell_home if visitor().may("admin") else "")
