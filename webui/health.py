"""Whether the process lives, and whether every part that it needs answers."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from .config import WebConfig, parts
from .identity import recognise
from .readiness import OK, Check
from .security import limiter

blueprint = Blueprint("health", __name__)

PING_S = 1.5  # within the time that all parts together are given


@blueprint.get("/healthz")
@limiter.exempt
def alive() -> Response:
    """The process answers."""
    return jsonify(ok=True)


@blueprint.get("/readyz")
@limiter.exempt
def ready() -> tuple[Response, int]:
    """Ledger, index, broker and a query worker answer: 200, otherwise 503; and for who may know, each part's state."""
    states = parts().readiness.look()
    ok = all(state == OK for state in states.values())
    told = {"parts": states} if may_know(states) else {}
    return jsonify(ok=ok, **told), 200 if ok else 503


def may_know(states: Mapping[str, str]) -> bool:
    """Whoever has signed in; while the ledger does not answer, nobody can have."""
    if not parts().config.login:
        return True
    return states["ledger"] == OK and recognise().role is not None


def checks(config: WebConfig) -> dict[str, Check]:
    """What is asked of each part."""

    def ledger() -> None:
        with config.ledger.read() as connection:
            connection.execute(text("SELECT 1"))

    return {
        "ledger": ledger,
        "index": lambda: config.index.ready(),
        "broker": lambda: config.client.waiting("query"),
        "query": lambda: config.client.ping("query", timeout_s=PING_S),
    }
