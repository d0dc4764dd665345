"""Every route there is: no answer to a foreign host, no change without a token, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.webui.room import Visitor, visiting
from webui.config import WebConfig
from webui.security import INSTALLATION_HEADER

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def address(rule: Rule) -> str:
    """A path that the rule matches."""
    values = {
        name: 1 if "Converter" in type(part).__name__ and part.regex == r"\d+" else "x" * 22  # as long as a hunt's id
        for name, part in rule._converters.items()
    }
    built = rule.build(values)
    assert built is not None, rule
    return built[1]


def routes(app: Flask, methods: set[str]) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & methods):
            yield method, address(rule)


def code_of(answer: Any) -> str:
    """The code of a refusal; that of a page, which says it to people, is told by its words."""
    if answer.is_json:
        return str(answer.json["error"]["code"])
    words = {"csrf": "CSRF", "other_installation": "This page belongs to another Ruiji"}
    return next(code for code, said in words.items() if said in answer.text)


def test_no_route_changes_anything_without_a_token(app: Flask, visitor: Visitor) -> None:
    found = list(routes(app, CHANGING))
    assert len(found) >= 9
    for method, path in found:
        for headers in ({}, {"X-CSRF-Token": "guessed"}):
            answer = visitor.open(path, method=method, headers=headers, json={})
            assert (answer.status_code, code_of(answer)) == (400, "csrf"), (method, path)


def test_reading_changes_nothing(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert not (rule.methods or set()) & CHANGING or "GET" not in (rule.methods or set()), rule


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::2]", "localhost:80:80"]
)
def test_no_route_answers_a_foreign_host(app: Flask, visitor: Visitor, host: str) -> None:
    found = list(routes(app, CHANGING | {"GET", "HEAD", "OPTIONS"}))
    assert len(found) >= 40
    for method, path in [*found, ("GET", "/no/such/page"), ("GET", "/api/v1/no/such")]:
        answer = visitor.open(path, method=method, environ_overrides={"HTTP_HOST": host})
        assert answer.status_code == 400, (method, path)
        assert not answer.headers.getlist("Set-Cookie")
        assert b"host name" in answer.data or method == "HEAD"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8765", "LOCALHOST:1", "127.0.0.1:65535", "[::1]:8765", "[::1]"]
)
def test_allowed_hosts_are_answered_on_any_port(visitor: Visitor, host: str) -> None:
    assert visitor.get("/healthz", environ_overrides={"HTTP_HOST": host}).status_code == 200


def test_a_forwarded_host_is_not_believed(visitor: Visitor) -> None:
    answer = visitor.get(
        "/healthz", environ_overrides={"HTTP_HOST": "evil.example"}, headers={"X-Forwarded-Host": "localhost"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/labels", "/healthz", "/no/such/page", "/static/css/base.css", "/thumbnail/1"]
)
def test_headers_forbid_what_the_page_does_not_need(visitor: Visitor, path: str) -> None:
    with visitor.get(path) as answer:
        headers = answer.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_session_cookie_is_kept_from_other_sites_and_scripts(visitor: Visitor) -> None:
    cookie = visitor.get("/api/v1/token").headers["Set-Cookie"]
    assert "SameSite=Strict" in cookie
    assert "HttpOnly" in cookie


def test_two_installations_have_cookies_of_their_own(config: WebConfig) -> None:
    from dataclasses import replace

    from webui.app import create_app

    names = {
        create_app(replace(config, secret_key=key)).config["SESSION_COOKIE_NAME"] for key in (b"a" * 32, b"b" * 32)
    }
    assert len(names) == 2


def test_a_page_of_another_installation_changes_nothing_here(app: Flask, visitor: Visitor) -> None:
    for method, path in routes(app, CHANGING):
        for headers in ({}, {"X-CSRF-Token": visitor.get("/api/v1/token").json["token"]}):
            answer = visitor.open(path, method=method, headers={INSTALLATION_HEADER: "another", **headers}, json={})
            code = code_of(answer)
            assert (answer.status_code, code) == (409, "other_installation"), (method, path)
    assert visitor.get("/api/v1/labels", headers={INSTALLATION_HEADER: "another"}).status_code == 200


def test_an_installation_is_known_by_its_secret_over_restarts(config: WebConfig) -> None:
    from dataclasses import replace

    from webui.app import create_app

    def said(config: WebConfig) -> str:
        page = visiting(create_app(config)).get("/").get_data(as_text=True)
        found = re.search(r'name="ruiji-installation" content="([0-9a-f]+)"', page)
        assert found
        return found[1]

    assert said(config) == said(replace(config, max_upload_mb=3))
    assert said(config) != said(replace(config, secret_key=b"b" * 32))
    client = visiting(create_app(config))
    client.environ_base["HTTP_X_CSRF_TOKEN"] = client.get("/api/v1/token").json["token"]
    answer = client.post("/api/v1/labels", json={"name": ""}, headers={INSTALLATION_HEADER: said(config)})
    assert answer.json["error"]["code"] != "other_installation"


def test_a_token_of_another_session_is_refused(app: Flask) -> None:
    foreign = visiting(app).get("/api/v1/token").json["token"]
    mine = visiting(app)
    mine.get("/api/v1/token")
    answer = mine.post("/api/v1/labels", json={"name": "x"}, headers={"X-CSRF-Token": foreign})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "csrf"


def test_answers_are_not_kept_by_caches(visitor: Visitor) -> None:
    assert visitor.get("/api/v1/labels").headers["Cache-Control"] == "no-store"


def test_too_many_requests_are_refused(config: WebConfig) -> None:
    from dataclasses import replace

    from webui.app import create_app

    hasty = visiting(create_app(replace(config, request_limit="3/minute")))
    statuses = [hasty.get("/api/v1/labels").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
