"""Users and what they did: added, changed, invited again, and the audit log; for admins."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import urlencode

from flask import Response, jsonify

from catalog import audit as record
from catalog import users as catalog_users
from webui.config import parts
from webui.identity import by

from .answers_users import AuditLines, Invited, User, Users
from .blueprint import api, described
from .reading import read_json, read_query
from .requests_users import AuditPage, NewUser, UserChange


@api.get("/users")
@described("users", answer=Users)
def users() -> Response:
    """List the users, those who are shut out too."""
    return jsonify(users=[asdict(row) for row in catalog_users.list_users(parts().config.ledger)])


@api.post("/users")
@described("users", json=NewUser, answer=Invited, status=201, refusals=(400, 403))
def add_user() -> tuple[Response, int]:
    """Add a user, and give the link by which they choose their password."""
    wanted = read_json(NewUser)
    made, code = catalog_users.add_user(parts().config.ledger, wanted.name, role=wanted.role, by=by())
    return jsonify(user=asdict(made), link=join_path(code)), 201


@api.patch("/users/<int:user_id>")
@described("users", json=UserChange, answer=User, refusals=(400, 403, 404, 409))
def change_user(user_id: int) -> Response:
    """Give a user another role, shut them out at once, or let them in again."""
    wanted = read_json(UserChange)
    ledger = parts().config.ledger
    changed = catalog_users.change_user(ledger, user_id, role=wanted.role, disabled=wanted.disabled, by=by())
    return jsonify(asdict(changed))


@api.post("/users/<int:user_id>/link")
@described("users", answer=Invited, status=201, refusals=(400, 403, 404))
def invite(user_id: int) -> tuple[Response, int]:
    """Give a new link by which a user chooses a password; earlier ones end."""
    ledger = parts().config.ledger
    code = catalog_users.invite_again(ledger, user_id, by=by())
    return jsonify(user=asdict(catalog_users.get_user(ledger, user_id)), link=join_path(code)), 201


@api.get("/audit")
@described("users", query=AuditPage, answer=AuditLines, refusals=(400, 403))
def audit() -> Response:
    """List what was done, the newest first."""
    page = read_query(AuditPage)
    lines = record.recent(parts().config.ledger, limit=page.limit, before=page.before)
    return jsonify(events=[asdict(line) for line in lines])


def join_path(code: str) -> str:
    return "/join?" + urlencode({"code": code})
