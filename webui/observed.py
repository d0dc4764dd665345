"""Every request observed: the id that it goes by everywhere, its line in the log, its part in the figures."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from flask import Flask, Response, g, request

from catalog import request_id

from .config import parts

HEADER = "X-Request-Id"
# What a client can write into its request line is without end; a series of figures is kept for each of these.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"

log = logging.getLogger(request_id.LOGGER)


def install(app: Flask) -> None:
    """Begin before everything else that looks at a request, and end after all of it."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        g.working_for = request_id.working_for(request_id.accepted(request.headers.get(HEADER)))
        g.working_for.__enter__()

    @app.after_request
    def end(response: Response) -> Response:
        if "began" in g:
            took_s = time.perf_counter() - g.began
            method = request.method if request.method in METHODS else "other"
            parts().metrics.request(method=method, route=route(), status=response.status_code, took_s=took_s)
            fields = {"status": response.status_code, "took_ms": round(took_s * 1000, 1)}
            log.info("%s %s", method, route(), extra={"fields": fields})
            response.headers[HEADER] = request_id.current()
        return response

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if (working := g.pop("working_for", None)) is not None:
            working.__exit__(None, None, None)


def searched(took_ms: Mapping[str, float]) -> None:
    """Keep what the stages of a search took, in milliseconds, as figures and in the log."""
    parts().metrics.query(took_ms)
    log.info("searched", extra={"fields": {"stages_ms": {stage: round(took, 2) for stage, took in took_ms.items()}}})


def route() -> str:
    """The template of the address, never the address: names, hunts and questions are nobody else's business."""
    return UNMATCHED if request.url_rule is None else request.url_rule.rule
