"""API tokens: listed, made, revoked; for admins."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, jsonify

from catalog import api_tokens
from webui.config import parts
from webui.identity import by

from .answers_users import ApiTokens, TokenMade
from .blueprint import api, described
from .reading import read_json
from .requests_users import NewToken

DAY_S = 24 * 3600.0


@api.get("/tokens")
@described("users", answer=ApiTokens)
def tokens() -> Response:
    """List the tokens, without their secrets; those that were revoked too."""
    return jsonify(tokens=[asdict(row) for row in api_tokens.list_tokens(parts().config.ledger)])


@api.post("/tokens")
@described("users", json=NewToken, answer=TokenMade, status=201, refusals=(400, 403, 404))
def add_token() -> tuple[Response, int]:
    """Make a token for a program, in the name of a user; its secret is told now and never again."""
    wanted = read_json(NewToken)
    lasts_s = None if wanted.days is None else wanted.days * DAY_S
    made, secret = api_tokens.add_token(
        parts().config.ledger, wanted.user, name=wanted.name, scope=wanted.scope, lasts_s=lasts_s, by=by()
    )
    return jsonify(token=asdict(made), secret=secret), 201


@api.delete("/tokens/<int:token_id>")
@described("users", status=204, refusals=(400, 403, 404))
def revoke_token(token_id: int) -> tuple[str, int]:
    """Revoke a token: from the next request on it counts no more."""
    api_tokens.revoke_token(parts().config.ledger, token_id, by=by())
    return "", 204
