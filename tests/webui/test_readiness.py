"""/readyz: within a bounded time, whatever hangs, and without a word about where things are."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.stack import free_port
from tests.webui.room import Room, Visitor, heard
from webui.config import EXTENSION
from webui.readiness import FAILED, OK, SILENT, Readiness


def test_without_a_query_worker_it_is_not_ready_and_says_so(deserted: Visitor) -> None:
    answer = heard(deserted)
    assert answer.status_code == 503
    assert answer.json == {"ok": False, "parts": {"ledger": OK, "index": OK, "broker": OK, "query": FAILED}}


def test_it_tells_nothing_of_the_inside(brokerless: Visitor, room: Room) -> None:
    text = brokerless.get("/readyz").data.decode()
    for secret in ("127.0.0.1", str(room.home), "redis", "Error", "Connection", "refused"):
        assert secret not in text


def test_parts_that_hang_are_waited_for_once_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, now = threading.Event(), [1000.0]
    asked: list[str] = []

    def hangs() -> None:
        asked.append("hangs")
        go_on.wait(600)

    def fails() -> None:
        raise ConnectionError(f"postgresql://user:secret@127.0.0.1:{free_port()}")

    class Asking(threading.Thread):
        """Waits for one that answers until it has, and for one that hangs by a clock that this test sets."""

        def join(self, timeout: float | None = None) -> None:
            if self.name in ("ready-a", "ready-b") and not go_on.is_set():
                now[0] += timeout or 0.0
            else:
                super().join(60)

    monkeypatch.setattr("webui.readiness.threading", SimpleNamespace(Thread=Asking, Lock=threading.Lock))
    monkeypatch.setattr("webui.readiness.time", SimpleNamespace(monotonic=lambda: now[0]))
    readiness = Readiness({"a": hangs, "b": hangs, "c": fails, "d": lambda: None}, within_s=0.2)
    for _ in range(5):
        started = now[0]
        assert readiness.look() == {"a": SILENT, "b": SILENT, "c": FAILED, "d": OK}
        assert now[0] - started == pytest.approx(0.2)
    hanging = [thread for thread in threading.enumerate() if thread.name in ("ready-a", "ready-b")]
    assert len(asked) == len(hanging) == 2
    go_on.set()
    assert readiness.look() == {"a": OK, "b": OK, "c": FAILED, "d": OK}


def test_the_page_asks_all_four(app: Flask) -> None:
    assert set(app.extensions[EXTENSION].readiness._checks) == {"ledger", "index", "broker", "query"}
