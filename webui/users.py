"""The users screen: who may come in and as what, tokens of programs, and what was done."""

from __future__ import annotations

from flask import Blueprint, render_template

from .remedies import changed_by

blueprint = Blueprint("users", __name__)


@blueprint.get("/users")
def page() -> str:
    """users.html gets how a login is switched on: its script asks the API for the rest."""
    return render_template("users.html", login_by=changed_by("RUIJI_LOGIN"))
