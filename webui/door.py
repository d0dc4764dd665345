"""The door: signing in with name and password, and out again."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from catalog import sessions
from catalog.audit import note
from catalog.errors import CatalogError
from catalog.sign_in import sign_in
from catalog.user_errors import ComeBackLater, SignInRefused

from .config import parts
from .errors import nul_refused
from .identity import COOKIE, by, visitor

blueprint = Blueprint("door", __name__)
LONGEST_FIELD = 2000  # characters


@blueprint.get("/login")
def page() -> ResponseReturnValue:
    """login.html, or on to where the visitor was going, if they are in already."""
    to = same_site(request.args.get("next", ""))
    if visitor().role is not None:
        return redirect(to, 303)
    return render_template("login.html", next=to, name="", error="")


@blueprint.post("/login")
def enter() -> ResponseReturnValue:
    """Begin a session, under an id that nobody had before."""
    have, to, name = parts(), same_site(field("next")), field("name")
    if not have.config.login:
        return redirect("/", 303)
    try:
        secret = sign_in(have.door, name=name, password=field("password"), address=request.remote_addr or "")
    except (SignInRefused, ComeBackLater) as error:
        return render_template("login.html", next=to, name=name, error=str(error)), *refused(error, 403)
    carry(secret)
    return redirect(to, 303)


@blueprint.post("/logout")
def leave() -> ResponseReturnValue:
    """End the session on the server, then in the browser."""
    have = parts()
    if have.config.login:
        sessions.end(have.config.ledger, str(session.get(COOKIE, "")))
        note(have.config.ledger, by(), "sign-out", visitor().name)
    session.clear()
    return redirect("/login", 303)


def carry(secret: str) -> None:
    """From the answer on, the browser is in this session; with it goes the token that a page before it had."""
    session.clear()
    session[COOKIE] = secret


def refused(error: CatalogError, status: int) -> tuple[int, dict[str, str]]:
    """The status and headers that say so; 429, and when to come back, for what was not looked at."""
    return (429, {"Retry-After": str(error.after_s)}) if isinstance(error, ComeBackLater) else (status, {})


def field(name: str) -> str:
    """A text of the form; what does not end is cut. Refused with a NUL: no browser lets anybody type one."""
    text = request.form.get(name, "")[:LONGEST_FIELD]
    if "\0" in text:
        raise nul_refused()
    return text


def same_site(path: str) -> str:
    """`path` if it leads to a page here, else the first page: a link to the door must not lead elsewhere."""
    plain = path.startswith("/") and path.isprintable() and not set(path) & set("\\ ")
    return path if plain and not path.startswith("//") else "/"
