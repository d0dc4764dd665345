"""Trouble: parts that do not answer, a full disk, an upload over the limit. Each has its clear answer, in time."""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from catalog.errors import LedgerAway, LedgerError
from catalog.index import VectorIndex
from deploy.process import Part
from tests.photos import jpeg, scene
from tests.stack import free_port
from tests.webui.room import PATIENCE_S, Room, Visitor, heard, running, signed_in, visiting
from webui.app import create_app
from webui.config import WebConfig

PICTURE = jpeg(scene("sky", 77))


def ask(client: Visitor, picture: bytes = PICTURE) -> Any:
    data = {"file": (io.BytesIO(picture), "x.jpg")}
    return client.post("/api/v1/search", data=data, content_type="multipart/form-data")


def test_without_a_query_worker_the_answer_is_503_long_before_a_search_may_take(deserted: Visitor) -> None:
    started = time.monotonic()
    answer = ask(deserted)
    assert time.monotonic() - started < PATIENCE_S / 2
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "worker_unavailable")
    assert "ruiji up" in answer.json["error"]["message"]


def test_without_a_broker_too(brokerless: Visitor) -> None:
    started = time.monotonic()
    answer = ask(brokerless)
    assert time.monotonic() - started < PATIENCE_S / 2
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "worker_unavailable")
    assert "ruiji up" in answer.json["error"]["message"]
    ready = heard(brokerless)
    assert ready.status_code == 503
    assert ready.json["parts"]["broker"] != "ok"
    assert ready.json["parts"]["ledger"] == ready.json["parts"]["index"] == "ok"
    assert brokerless.get("/healthz").status_code == 200


def test_a_ledger_that_is_away_is_asked_again_and_a_wrong_statement_is_a_fault(
    app: Flask, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LedgerError) as wrong, room.ledger.read() as connection:
        connection.execute(text("SELECT no_such_column FROM image"))
    for error, said in (
        (LedgerAway("it is starting up"), (503, "ledger_unavailable")),
        (wrong.value, (500, "internal")),
    ):
        with app.test_request_context("/api/v1/labels"):
            answer: Any = app.make_response(app.handle_user_exception(error))
        assert (answer.status_code, answer.json["error"]["code"]) == said
    [told] = caplog.records
    assert told.exc_info is not None and told.exc_info[1] is wrong.value


def test_without_an_index_the_answer_names_it(config: WebConfig, room: Room) -> None:
    index = VectorIndex(f"http://127.0.0.1:{free_port()}", timeout_s=2)
    person = signed_in(create_app(replace(config, index=index)))
    started = time.monotonic()
    answer = person.post("/api/v1/search", json={"image_id": room.image_id("labelled/sky/00001.jpg")})
    assert time.monotonic() - started < PATIENCE_S / 2
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "index_unavailable")
    assert "ruiji" in answer.json["error"]["message"]
    ready = heard(person)
    assert ready.status_code == 503
    assert ready.json["parts"]["index"] != "ok"
    index.close()


def test_everything_answers(person: Visitor) -> None:
    answer = heard(person)
    assert answer.json == {"ok": True, "parts": dict.fromkeys(("ledger", "index", "broker", "query"), "ok")}


def test_a_full_disk_is_said_to_be_full(person: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        # The rename, which every file of the store goes through; an upload is not synced.
        patch.setattr("catalog.artifacts.Path.replace", full)
        answer = ask(person, jpeg(scene("sky", 78)))
    assert (answer.status_code, answer.json["error"]["code"]) == (507, "storage_full")
    assert "space" in answer.json["error"]["message"]
    assert ask(person, jpeg(scene("sky", 78))).status_code == 200


def test_a_fault_tells_nothing_of_the_inside(app: Flask, config: WebConfig) -> None:
    faulty = create_app(config)

    def fault() -> str:
        raise RuntimeError("secret detail")

    faulty.view_functions["api.labels"] = fault
    answer = visiting(faulty).get("/api/v1/labels")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "internal")
    assert b"secret" not in answer.data


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2", "/thumbnail/x", "/thumbnail/-1", f"/view/{2**63}"])
def test_an_unknown_address_for_programs_is_answered_in_json(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    if path == "/api/v2":
        assert answer.status_code == 404
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")


def test_an_unknown_page_is_answered_with_a_page(visitor: Visitor) -> None:
    answer = visitor.get("/no/such/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert b"<script>alert" not in answer.data
    assert b'href="/"' in answer.data


def test_a_wrong_method_is_refused(visitor: Visitor) -> None:
    answer = visitor.get("/api/v1/search")
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "method_not_allowed")


def test_an_upload_over_the_limit_is_refused(config: WebConfig, worker: None) -> None:
    person = signed_in(create_app(replace(config, max_upload_mb=1)))
    for size in (2**20 + 1, 2**20 + 70_000, 3 * 2**20):
        answer = ask(person, b"\xff" * size)
        assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large"), size
        assert "1 MB" in answer.json["error"]["message"]
    assert ask(person, b"\xff" * (2**20 - 1)).json["error"]["code"] == "query_failed"


def test_a_document_over_the_limit_is_refused(person: Visitor) -> None:
    answer = person.post("/api/v1/labels", data=b" " * (17 * 2**20), content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


@pytest.fixture(scope="module")
def served() -> Iterator[int]:
    """The port of the real server with a limit of 1 MB."""
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4", "--no-control-socket"]

    def ready() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        return False

    command = (sys.executable, "-m", "gunicorn", *options, "tests.webui.limited:app")
    with running(Part(name="gunicorn", command=command), ready=ready):
        yield port


def test_the_client_hears_of_the_limit_while_it_still_sends(served: int) -> None:
    """A server that closed at once would reset the connection, and the client would see only that."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served, timeout=60)) as connection:
        connection.request("GET", "/api/v1/token")
        answer = connection.getresponse()
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        token = json.loads(answer.read())["token"]
    headers = {"Cookie": cookie, "X-CSRF-Token": token, "Content-Type": "multipart/form-data; boundary=b"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served, timeout=60)) as connection:
        connection.request("POST", "/api/v1/search", body=b"\0" * (30 * 2**20), headers=headers)
        answer = connection.getresponse()
        assert answer.status == 413
        assert b"too_large" in answer.read()


def test_a_body_without_a_length_is_not_read_without_end(served: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served, timeout=60)) as connection:
        connection.putrequest("POST", "/api/v1/search")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Content-Type", "multipart/form-data; boundary=b")
        connection.endheaders()
        status = 413
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(64):
                connection.send(b"40000\r\n" + b"\0" * 0x40000 + b"\r\n")
            connection.send(b"0\r\n\r\n")
            status = connection.getresponse().status
    assert status in (400, 411, 413)
