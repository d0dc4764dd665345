"""PostgreSQL takes no NUL in a text: wherever one can be sent, it is refused, and is no error of the server's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from tests.servers.postgresql import PROGRAMS, PostgreSQL
from tests.webui.room import Visitor, signed_in
from webui.app import create_app
from webui.config import WebConfig

NUL = "a\0b"
NOTHING: dict[str, Any] = {"index": None, "client": None}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"] if PROGRAMS else ["sqlite"])
def asking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody at the page of a server with an empty ledger of that kind."""
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
        yield signed_in(create_app(WebConfig(ledger=ledger, store=store, secret_key=b"k" * 32, **NOTHING)))
    finally:
        ledger.close()
        if server is not None:
            server.stop()


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
