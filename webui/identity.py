"""Who makes the current request: a signed-in user, a program with a token, the page without login, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from flask import g, request, session

from catalog import api_tokens, sessions
from catalog.audit import By, note
from catalog.users import ROLES, Identity, Role

from .config import parts
from .errors import ApiError

COOKIE = "login"  # in Flask's signed session: the secret of the one that the ledger knows
How = Literal["session", "token", "local", "nobody"]


@dataclass(frozen=True)
class Visitor:
    """`role` is None for nobody; `local` is everybody at a page that has no login, and may do everything."""

    name: str
    role: Role | None
    how: How

    def may(self, need: Role) -> bool:
        """Whether the role is enough."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(need)


NOBODY = Visitor("", None, "nobody")


def visitor() -> Visitor:
    """Who it is; nobody until the request was looked at, where people have to sign in."""
    found = cast(Visitor | None, g.get("visitor"))
    if found is not None:
        return found
    have = parts().config
    return NOBODY if have.login else Visitor(have.author, "admin", "local")


def author() -> str:
    """The name that decisions are kept under."""
    return visitor().name


def by() -> By:
    """The same for the audit log."""
    return By(visitor().name, request.remote_addr or "")


def audited(action: str, target: str = "") -> None:
    """Note in the audit log that the visitor has done something."""
    note(parts().config.ledger, by(), action, target)


def recognise() -> Visitor:
    """Look at what the request brings: a token before a cookie; 401 for a token that does not count."""
    have = parts()
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.startswith(api_tokens.PREFIX):
        found = api_tokens.find_token(have.config.ledger, secret.strip())
        if found is None:
            raise ApiError(401, "wrong_token", "This API token is unknown, revoked or expired: ask an admin.")
        return of(found, "token")
    if not have.config.login:
        return Visitor(have.config.author, "admin", "local")
    if (kept := session.get(COOKIE)) is not None:
        found = sessions.find(have.config.ledger, str(kept), have.door.lifetime)
        if found is not None:
            return of(found, "session")
    return NOBODY


def of(found: Identity, how: How) -> Visitor:
    return Visitor(found.name, found.role, how)
