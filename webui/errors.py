"""Every error as one JSON shape for programs, and as a page for people; nothing internal is told to either."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import IO, Any, cast

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from catalog import request_id
from catalog.index_errors import IndexUnavailable, VectorIndexError
from worker.client import QueryFailed, WorkerUnavailable

from .config import parts

log = logging.getLogger(__name__)

# Paths answered in JSON whatever the browser asks for; every other path is a page.
PROGRAM_PATHS = ("/api/", "/thumbnail/", "/view/", "/samples/", "/healthz", "/readyz", "/metrics")
BAD_HOST = "bad_host"
CODES = {
    400: "bad_request",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    410: "gone",
    413: "too_large",
    415: "not_json",
    429: "too_many_requests",
}
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
DRAINED_BYTES = 256 * 2**20
DRAINED_S = 10.0


class ApiError(Exception):
    """An answer that is not the one asked for: HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str, **details: str | int) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


def answer(error: ApiError) -> Response:
    """The error in the shape that its path calls for."""
    # A page would start a session: one that is not spoken to under its own name gets none.
    if request.path.startswith(PROGRAM_PATHS) or error.code == BAD_HOST:
        details = {**error.details, "request_id": request_id.current()}
        body: Any = jsonify(error={"code": error.code, "message": error.message, **details})
    else:
        body = render_template(
            "error.html",
            status=error.status,
            title=title(error),
            message=error.message,
            request_id=request_id.current(),
        )
    response = make_response(body, error.status)
    response.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def title(error: ApiError) -> str:
    """The status in words, as HTTP has them."""
    return "Page not found" if error.status == 404 else HTTPStatus(error.status).phrase


def drain() -> None:
    """Read on, within bounds, what the client still sends: closing at once would reset the connection, and the client
    would see that instead of our answer."""
    stream = cast(IO[bytes], request.environ["wsgi.input"])
    left = min(request.content_length or 0, DRAINED_BYTES)
    until = time.monotonic() + DRAINED_S
    while left > 0 and time.monotonic() < until:
        if not (block := stream.read(min(left, 2**18))):
            break
        left -= len(block)


def too_large(_: RequestEntityTooLarge) -> ApiError:
    drain()
    return ApiError(
        413,
        "too_large",
        f"The upload is larger than the limit of {parts().config.max_upload_mb} MB. "
        "Send a smaller picture, or raise RUIJI_MAX_UPLOAD_MB.",
    )


def nul_refused() -> ApiError:
    """No database of ours keeps one: PostgreSQL fails at it, and SQLite ends the text there in its own shell."""
    return ApiError(
        400, "invalid_value", "A text holds a NUL character, which nothing here can be called: leave it out."
    )


def of_http(error: HTTPException) -> ApiError:
    status = error.code or 500
    if status == 404:
        return ApiError(404, "not_found", "There is nothing at this address.")
    return ApiError(status, CODES.get(status, "error"), error.description or "The request could not be answered.")


def of_query(error: QueryFailed) -> ApiError:
    return ApiError(422, "query_failed", f"The picture cannot be searched with: {error.reason}", kind=error.kind)


def of_worker(error: WorkerUnavailable) -> ApiError:
    return ApiError(503, "worker_unavailable", f"{str(error)[:1].upper()}{str(error)[1:]}.")


def of_index(error: IndexUnavailable) -> ApiError:
    log.warning("the index does not answer: %s", error)
    return ApiError(
        503,
        "index_unavailable",
        "The vector index does not answer. Start Ruiji with `ruiji up`, or the Milvus that index_url names; "
        "`ruiji doctor` tells more. Nothing is lost.",
    )


def of_index_refusal(error: VectorIndexError) -> ApiError:
    log.error("the index refused: %s", error)
    return ApiError(503, "index_failed", str(error))


def of_operating_system(error: OSError) -> ApiError:
    if error.errno in FULL_DISK:
        return storage_full()
    log.error("a file could not be used", exc_info=error)
    return ApiError(500, "storage_failed", f"The storage refused: {error.strerror or 'input/output error'}.")


def no_encoder() -> ApiError:
    return ApiError(503, "no_encoder", "No encoder serves yet; `ruiji up` installs the one that comes with Ruiji.")


def storage_full() -> ApiError:
    return ApiError(
        507, "storage_full", "The disk of the server is full. Free some space, then try again; nothing was lost."
    )


def internal(error: Exception) -> ApiError:
    log.error("a request failed: %s %s", request.method, request.path, exc_info=error)
    return ApiError(500, "internal", "The server failed to answer; its log has the reason.")


def install(app: Flask, *, more: dict[type[Exception], Callable[[Any], ApiError]]) -> None:
    """Handle every exception of `app`; `more` adds exception families to those above."""
    families: dict[type[Exception], Callable[[Any], ApiError]] = {
        ApiError: lambda error: cast(ApiError, error),
        CSRFError: lambda error: ApiError(400, "csrf", f"{error.description} Load the page again, then try once more."),
        RequestEntityTooLarge: too_large,
        HTTPException: of_http,
        QueryFailed: of_query,
        WorkerUnavailable: of_worker,
        IndexUnavailable: of_index,
        VectorIndexError: of_index_refusal,
        OSError: of_operating_system,
        Exception: internal,
        **more,
    }

    def handler(translate: Callable[[Any], ApiError]) -> Callable[[Exception], ResponseReturnValue]:
        return lambda error: answer(translate(error))

    for family, translate in families.items():
        app.register_error_handler(family, handler(translate))
