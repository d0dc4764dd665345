"""/readyz: within a bounded time, whatever hangs, and without a word about where things are."""

from __future__ import annotations

import threading
import time

from flask import Flask

from tests.stack import free_port
from tests.webui.room import Room, Visitor
from webui.config import EXTENSION
from webui.readiness import FAILED, OK, SILENT, Readiness


def test_without_a_query_worker_it_is_not_ready_and_says_so(deserted: Visitor) -> None:
    started = time.monotonic()
    answer = deserted.get("/readyz")
    assert time.monotonic() - started < 4
    assert answer.status_code == 503
    assert answer.json == {"ok": False, "parts": {"ledger": OK, "index": OK, "broker": OK, "query": FAILED}}


def test_it_tells_nothing_of_the_inside(brokerless: Visitor, room: Room) -> None:
    text = brokerless.get("/readyz").data.decode()
    for secret in ("127.0.0.1", str(room.home), "redis", "Error", "Connection", "refused"):
        assert secret not in text


def test_parts_that_hang_are_waited_for_once_and_together() -> None:
    go_on = threading.Event()
    asked: list[str] = []

    def hangs() -> None:
        asked.append("hangs")
        go_on.wait(30)

    def fails() -> None:
        raise ConnectionError(f"postgresql://user:secret@127.0.0.1:{free_port()}")

    readiness = Readiness({"a": hangs, "b": hangs, "c": fails, "d": lambda: None}, within_s=0.2)
    threads = threading.active_count()
    for _ in range(5):
        started = time.monotonic()
        assert readiness.look() == {"a": SILENT, "b": SILENT, "c": FAILED, "d": OK}
        assert time.monotonic() - started < 1
    assert len(asked) == 2 and threading.active_count() <= threads + 2
    go_on.set()
    time.sleep(0.05)
    assert readiness.look() == {"a": OK, "b": OK, "c": FAILED, "d": OK}


def test_the_page_asks_all_four(app: Flask) -> None:
    assert set(app.extensions[EXTENSION].readiness._checks) == {"ledger", "index", "broker", "query"}
