"""The users screen: who may come in and as what, tokens of programs, and what was done."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("users", __name__)


@blueprint.get("/users")
def page() -> str:
    """users.html gets nothing: its script asks the API."""
    return render_template("users.html")
