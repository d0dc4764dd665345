"""Whether the process lives, and whether every part that it needs answers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from .config import WebConfig, parts
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
    """Ledger, index, broker and a query worker answer: 200, otherwise 503 with the part that does not."""
    states = parts().readiness.look()
    ok = all(state == OK for state in states.values())
    return jsonify(ok=ok, parts=states), 200 if ok else 503


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
