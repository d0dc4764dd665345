"""PostgreSQL takes no NUL in a text: wherever one can be sent, it is refused, and is no error of the server's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.users import add_user
from tests.servers.postgresql import PROGRAMS, PostgreSQL
from tests.webui.doors import CHEAP, PASSWORD, TEST, form_token, joined, let_in
from tests.webui.room import Visitor, signed_in, visiting
from webui.app import create_app
from webui.config import WebConfig

NUL = "a\0b"
NOTHING: dict[str, Any] = {"index": None, "client": None}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"] if PROGRAMS else ["sqlite"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebConfig]:
    """A server with an empty ledger of that kind."""
    room = tmp_path_factory.mktemp("nul")
    server = None
    url = f"sqlite:///{room}/ledger.db"
    if request.param == "postgresql":
        server = PostgreSQL("secret")
        server.start()
        url = f"postgresql://ruiji:{server.password}@127.0.0.1:{server.port}/ruiji"
    ledger = Ledger.open(url)
    try:
        store = ArtifactStore(str(room / "artifacts"))
        yield WebConfig(ledger=ledger, store=store, secret_key=b"k" * 32, **NOTHING)
    finally:
        ledger.close()
        if server is not None:
            server.stop()


@pytest.fixture(scope="module")
def asking(config: WebConfig) -> Visitor:
    """Somebody at its page."""
    return signed_in(create_app(config))


@pytest.fixture(scope="module")
def guarded(config: WebConfig) -> Flask:
    """Its page where people sign in, anna among them."""
    joined(config.ledger, "anna", "viewer")
    return create_app(replace(config, login=True, passwords=CHEAP))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/batches?author=a%00b",
        "/api/v1/hunts/a%00b",
        "/api/v1/maps/a%00b",
        "/api/v1/maps/a%00b/points",
        "/api/v1/encoders/a%00b/archive",
        "/api/v1/labels/1/merge?into=a%00b",
        "/api/v1/folders?path=a%00b",
        "/view/hunt/a%00b/1",
        "/view/upload/a%00b",
        "/samples/a%00b",
        "/hunts/aaaaaaaaaaaaaaaaaaaa%00b",
        "/labels/history?author=a%00b",
    ],
)
def test_an_address_with_a_nul_is_answered(asking: Visitor, path: str) -> None:
    answer = asking.get(path)
    assert answer.status_code in (200, 400, 404), (path, answer.data)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("search", {"label": NUL, "image_id": 1}),
        ("search", {"sample": NUL}),
        ("matches", {"label": NUL, "keep": False}),
        ("matches", {"label": ["sky", NUL], "keep": False}),
        ("labels", {"name": NUL}),
        ("labels", {"name": "x", "group": NUL}),
        ("labels/decisions", {"key": "k", "label": NUL, "decision": "yes", "image_ids": [1]}),
        ("labels/decisions", {"key": "k", "label": "x", "decision": "yes", "image_ids": [1], "encoder": NUL}),
        ("labels/1/merge", {"key": "k", "into": NUL}),
        ("hunts", {"label": NUL}),
        ("hunts", {"label": "x", "name": NUL}),
        ("maps", {"label": NUL}),
        ("sources", {"path": NUL}),
        ("sources", {"path": "/", "name": NUL}),
        ("encoders", {"path": NUL}),
        ("training", {"name": NUL, "preset": "quick-cpu", "sources": [1]}),
        ("training", {"name": "x", "preset": NUL, "sources": [1]}),
    ],
)
def test_a_document_with_a_nul_is_refused(asking: Visitor, path: str, body: dict[str, Any]) -> None:
    answer = asking.post(f"/api/v1/{path}", json=body)
    assert 400 <= answer.status_code < 500, (path, body, answer.data)
    assert answer.json["error"]["message"]


@pytest.mark.parametrize("field", ["name", "password", "next"])
def test_the_doors_form_with_a_nul_is_refused(guarded: Flask, field: str) -> None:
    client = visiting(guarded)
    token = form_token(client.get("/login").get_data(as_text=True))
    sent = {"csrf_token": token, "name": "anna", "password": PASSWORD, "next": "/", field: NUL}
    assert client.post("/login", data=sent).status_code == 400
    assert client.get("/api/v1/labels").status_code == 401


@pytest.mark.parametrize("field", ["code", "name", "password", "again"])
@pytest.mark.parametrize("path", ["/join", "/first"])
def test_a_links_form_with_a_nul_is_refused(guarded: Flask, config: WebConfig, path: str, field: str) -> None:
    _, code = add_user(config.ledger, f"invited {path[1:]} {field}", role="viewer", by=TEST)
    client = visiting(guarded)
    token = form_token(client.get("/login").get_data(as_text=True))
    chosen = {"code": code, "name": "bob", "password": PASSWORD, "again": PASSWORD}
    assert client.post(path, data={"csrf_token": token, **chosen, field: NUL}).status_code == 400
    assert client.get(path, query_string={"code": NUL}).status_code == 410


@pytest.mark.parametrize("field", ["old", "password", "again"])
def test_an_accounts_form_with_a_nul_is_refused(guarded: Flask, field: str) -> None:
    client = let_in(guarded, "anna")
    fields = {"old": PASSWORD, "password": "x" * 20, "again": "x" * 20, field: NUL}
    assert client.post("/account", data=fields).status_code == 400
    assert client.get("/api/v1/labels").status_code == 200  # by the session until now: nothing was changed


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8"])
def test_the_encoding_of_a_document_hides_no_nul(asking: Visitor, encoding: str) -> None:
    data = json.dumps({"label": NUL, "keep": False}).encode(encoding)
    answer = asking.post("/api/v1/matches", data=data, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_value"), answer.data


def test_six_letters_that_spell_a_nul_are_text(asking: Visitor) -> None:
    assert asking.post("/api/v1/labels", json={"name": "a\\u0000b"}).json["name"] == "a\\u0000b"


def test_nothing_of_it_was_kept(asking: Visitor) -> None:
    assert "\\u0000" not in json.dumps(asking.get("/api/v1/labels").json).replace("\\\\u0000", "")
    assert asking.get("/api/v1/hunts").json["hunts"] == []
