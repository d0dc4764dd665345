"""Where one-time links lead: to become the first admin, or to choose a password."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from catalog.joining import join, join_first
from catalog.one_time_links import Purpose, look_at
from catalog.user_errors import InvalidUser, LinkGone, WeakPassword

from .config import parts
from .door import carry, field

blueprint = Blueprint("links", __name__)


@blueprint.get("/first")
def first() -> ResponseReturnValue:
    """The form of the first admin. Looking at it does not use the link up."""
    return form("first", request.args.get("code", ""))


@blueprint.post("/first")
def be_first() -> ResponseReturnValue:
    """Make the first admin, and sign them in."""
    return used("first", field("code"))


@blueprint.get("/join")
def join_page() -> ResponseReturnValue:
    """The form of whoever was sent a link."""
    return form("password", request.args.get("code", ""))


@blueprint.post("/join")
def be_joined() -> ResponseReturnValue:
    """Set the password, and sign in."""
    return used("password", field("code"))


def form(purpose: Purpose, code: str, *, name: str = "", error: str = "") -> ResponseReturnValue:
    """join.html for a link that is still good; LinkGone."""
    link = look_at(parts().config.ledger, code)
    if link.purpose != purpose:
        raise LinkGone
    page = render_template("join.html", code=code, first=purpose == "first", name=link.name or name, error=error)
    return page, 400 if error else 200


def used(purpose: Purpose, code: str) -> ResponseReturnValue:
    """What a sent form says, done; the form again, with the reason, where it cannot be."""
    have, address = parts(), request.remote_addr or ""
    name, password = field("name"), field("password")
    if password != field("again"):
        return form(purpose, code, name=name, error="The two passwords are not the same.")
    ledger, passwords = have.config.ledger, have.config.passwords
    lasts = have.door.lifetime if have.config.login else None
    try:
        if purpose == "first":
            secret = join_first(
                ledger, passwords, code, name=name, password=password, address=address, signed_in_for=lasts
            )
        else:
            secret = join(ledger, passwords, code, password=password, address=address, signed_in_for=lasts)
    except (InvalidUser, WeakPassword) as error:
        return form(purpose, code, name=name, error=str(error))
    if secret is not None:
        carry(secret)
    return redirect("/", 303)
