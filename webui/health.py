"""Whether the process lives, and whether every part that it needs answers."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from .config import WebConfig, parts
from .security import limiter

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@limiter.exempt
def alive() -> Response:
    """The process answers."""
    return jsonify(ok=True)


@blueprint.get("/readyz")
@limiter.exempt
def ready() -> tuple[Response, int]:
    """Ledger, index and broker answer: 200, otherwise 503 with what does not."""
    config = parts().config
    failed = {name: reason for name, check in CHECKS.items() if (reason := failure(check, config)) is not None}
    states = {name: failed.get(name, "ok") for name in CHECKS}
    return jsonify(ok=not failed, parts=states), 503 if failed else 200


def ask_ledger(config: WebConfig) -> None:
    with config.ledger.read() as connection:
        connection.execute(text("SELECT 1"))


def ask_index(config: WebConfig) -> None:
    if not config.index.ready():
        raise ConnectionError("the vector index is not ready")


def ask_broker(config: WebConfig) -> None:
    config.client.waiting("query")


CHECKS: dict[str, Callable[[WebConfig], None]] = {"ledger": ask_ledger, "index": ask_index, "broker": ask_broker}


def failure(check: Callable[[WebConfig], None], config: WebConfig) -> str | None:
    """Why a part does not answer; whatever it raises, since a probe must answer."""
    try:
        check(config)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return None
