"""The visitor's own account: name and role, another password, the way out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from catalog.sign_in import change_password
from catalog.user_errors import ComeBackLater, SignInRefused, WeakPassword

from .config import parts
from .door import carry, field, refused
from .errors import ApiError
from .identity import visitor

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
def page() -> ResponseReturnValue:
    """account.html; without login there are no accounts, and the page says so."""
    return render_template("account.html", error="", changed="changed" in request.args)


@blueprint.post("/account")
def change() -> ResponseReturnValue:
    """Another password: every other session of the visitor ends, this one goes on under a new id."""
    who = visitor()
    if who.how != "session":
        raise ApiError(403, "no_account", "Only who has signed in with a password can change it.")
    try:
        if field("password") != field("again"):
            raise WeakPassword("The two new passwords are not the same.")
        secret = change_password(
            parts().door, name=who.name, old=field("old"), new=field("password"), address=request.remote_addr or ""
        )
    except (SignInRefused, ComeBackLater, WeakPassword) as error:
        said = "The password until now is another one." if isinstance(error, SignInRefused) else str(error)
        return render_template("account.html", error=said, changed=False), *refused(error, 400)
    carry(secret)
    return redirect("/account?changed", 303)
