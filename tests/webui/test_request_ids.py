"""One id for each request: taken or made, given back, in every error, and in the log of all who worked for it."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from catalog import request_id
from tests.photos import jpeg, scene
from tests.webui.room import Room, Visitor, visiting
from webui.app import create_app
from webui.config import WebConfig
from worker.logs import JsonLines

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What this process writes with RUIJI_LOG=json."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(request_id.LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield sink
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def lines(text: str, request: str) -> list[dict[str, Any]]:
    """The lines of a log that belong to a request; every line is a JSON object."""
    found = [json.loads(line) for line in text.splitlines()]
    return [line for line in found if line.get("request") == request]


def written(room: Room, request: str) -> list[dict[str, Any]]:
    """The lines of the query worker that belong to a request; it answers first and writes then."""
    until = time.monotonic() + 60
    while not (found := lines(room.query_log.read_text().rpartition("\n")[0], request)):
        assert time.monotonic() < until, "the query worker has written nothing of it"
        time.sleep(0.02)
    return found


def test_one_search_is_found_in_the_log_of_the_page_and_of_the_query_worker(
    person: Visitor, room: Room, log: io.StringIO
) -> None:
    picture = jpeg(scene("sky", 72))
    answer = person.post(
        "/api/v1/search",
        data={"file": (io.BytesIO(picture), "my secret.jpg")},
        content_type="multipart/form-data",
        headers={"X-Request-Id": "from-a-proxy-0001"},
    )
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (200, "from-a-proxy-0001")
    page = lines(log.getvalue(), "from-a-proxy-0001")
    assert [line["message"] for line in page] == ["searched", "POST /api/v1/search"]
    assert {"index", "ledger", "worker_embed", "total"} <= set(page[0]["stages_ms"])
    assert (page[1]["status"], page[1]["level"], page[1]["logger"]) == (200, "INFO", "ruiji.request")
    assert page[1]["took_ms"] > 0
    worker = written(room, "from-a-proxy-0001")
    assert [line["message"] for line in worker] == ["embedded"]
    assert set(worker[0]["stages_ms"]) >= {"decode", "embed"}
    # Other tests' requests stand in the same logs, and an encoder that is taken in is named with its folder.
    told = json.dumps(page + worker)
    assert "my secret" not in told and str(room.home) not in told


def test_a_refused_picture_is_in_both_logs_too(person: Visitor, room: Room, log: io.StringIO) -> None:
    data = {"file": (io.BytesIO(b"no picture at all"), "x.jpg")}
    answer = person.post("/api/v1/search", data=data, content_type="multipart/form-data")
    request = answer.headers["X-Request-Id"]
    assert answer.status_code == 422
    assert answer.json["error"]["request_id"] == request
    assert lines(log.getvalue(), request)[-1]["status"] == 422
    [line] = written(room, request)
    assert line["message"] == "refused"
    assert "no picture at all" not in room.query_log.read_text()


@pytest.mark.parametrize(
    "given",
    [
        None, "short", "x" * 65, "with space 1", "line\nbreak-1", "-begins-so", "ünïcödé-id", "<script>alert",
        "a/../../b/c",
    ],
)  # fmt: skip
def test_an_id_that_is_none_is_replaced(visitor: Visitor, given: str | None) -> None:
    environ = {} if given is None else {"HTTP_X_REQUEST_ID": given}
    answers = [visitor.get("/healthz", environ_overrides=environ) for _ in range(2)]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert all(MADE.fullmatch(one) for one in ids) and ids[0] != ids[1]


@pytest.mark.parametrize("given", ["4bf92f3577b34da6a3ce929d0e0e4736", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "a.b_c-d8"])
def test_an_id_that_is_one_is_kept(visitor: Visitor, given: str) -> None:
    assert visitor.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


def test_every_kind_of_refusal_carries_it(visitor: Visitor) -> None:
    for answer in (
        visitor.get("/api/v1/nothing"),
        visitor.post("/api/v1/labels", json={}),
        visitor.get("/healthz", environ_overrides={"HTTP_HOST": "evil.example"}),
        visitor.get("/api/v1/search"),
    ):
        assert answer.json["error"]["request_id"] == answer.headers["X-Request-Id"] != ""


def test_a_page_names_it_where_the_log_has_the_reason(config: WebConfig) -> None:
    faulty = create_app(config)

    def fault() -> str:
        raise RuntimeError("secret detail")

    faulty.view_functions["labels.page"] = fault
    page = visiting(faulty).get("/labels")
    assert page.status_code == 500
    assert f"request <code>{page.headers['X-Request-Id']}</code>" in page.data.decode()
    page = visiting(faulty).get("/no/such/page")  # of no interest, and in no plain log
    assert page.headers["X-Request-Id"] not in page.data.decode()


def test_no_id_is_left_behind(visitor: Visitor) -> None:
    visitor.get("/healthz")
    assert request_id.current() == ""
