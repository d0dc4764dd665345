"""Rules for every request: whom it is addressed to, how large it may be, who wrote it, what a page may load."""

from __future__ import annotations

import hashlib
import re

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from . import access
from .config import WebConfig, parts
from .errors import BAD_HOST, ApiError
from .identity import visitor
from .steady_counters import SteadyCounters

JSON_BYTES = 16 * 2**20  # 100,000 ids with their scores take 3 MB
FORM_BYTES = 64 * 2**10  # the fields that travel with an upload
INSTALLATION_HEADER = "X-Ruiji-Installation"
PORT = re.compile(r":[0-9]{1,5}\Z")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

READING = ("GET", "HEAD", "OPTIONS")

csrf = CSRFProtect()
COUNTERS = f"{SteadyCounters.STORAGE_SCHEME[0]}://"
limiter = Limiter(get_remote_address, default_limits=[lambda: parts().config.request_limit], storage_uri=COUNTERS)


def host_name(header: str) -> str:
    """The name in a Host header, without its port, in lower case."""
    return PORT.sub("", header).lower()


def install(app: Flask, config: WebConfig) -> None:
    """Set limits and cookies, and check every request before anything else sees it."""
    installation = hashlib.sha256(b"cookie name" + config.secret_key).hexdigest()[:8]
    app.config.update(
        SECRET_KEY=config.secret_key,
        # Cookies do not tell ports apart: two installations on one machine must not overwrite each other's session.
        # By __Host- the browser itself makes sure that https set it, for this host alone.
        SESSION_COOKIE_NAME=f"{'__Host-' if config.https else ''}ruiji_{installation}",
        SESSION_COOKIE_SECURE=config.https,
        # Strict would ask who is signed in for the password when they follow a colleague's link to a hunt. What changes
        # something wants the token all the same.
        SESSION_COOKIE_SAMESITE="Lax" if config.login else "Strict",
        SESSION_COOKIE_HTTPONLY=True,
        MAX_CONTENT_LENGTH=JSON_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES,
        MAX_FORM_PARTS=200,
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open for days; the token lives as long as its session
        WTF_CSRF_HEADERS=["X-CSRF-Token"],
        # gunicorn takes a proxy's word that it was https; the Referer that would be asked for then, our policy forbids.
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_CHECK_DEFAULT=False,  # we ask for it below, of all but programs
    )
    allowed = frozenset(host.lower() for host in config.allowed_hosts)
    if config.proxies:  # the client's address, and nothing else of what they say
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0)  # type: ignore[method-assign]

    # Registered before the CSRF protection, so that it runs first: a foreign host gets no answer at all.
    @app.before_request
    def check_host() -> None:
        if host_name(request.environ.get("HTTP_HOST", "")) not in allowed:
            raise ApiError(
                400, BAD_HOST, "This server does not answer to that host name; RUIJI_ALLOWED_HOSTS names those."
            )

    @app.before_request
    def check_path() -> None:
        if "\0" in request.path:  # nothing is called so, and PostgreSQL cannot be asked for it
            raise ApiError(404, "not_found", "There is nothing at this address.")

    # Before the CSRF protection too: its refusal makes a page fetch a new token and send again, to the wrong place.
    @app.before_request
    def check_installation() -> None:
        meant = request.headers.get(INSTALLATION_HEADER)
        if meant is not None and meant != parts().version and request.method not in READING:
            raise ApiError(409, "other_installation", "This page belongs to another Ruiji; reload it.")

    @app.before_request
    def limit_body() -> None:
        if request.endpoint in ("api.search", "api.side_by_side"):
            request.max_content_length = config.max_upload_mb * 2**20 + FORM_BYTES

    access.install(app)

    # A token in a header is no cookie: no other site can make a browser send it.
    @app.before_request
    def check_token() -> None:
        if request.endpoint is not None and visitor().how != "token":
            csrf.protect()

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response

    csrf.init_app(app)
    limiter.init_app(app)
