"""A worker that lives is seen to live: after it was forgotten, beside a locked ledger, and whatever its clock says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from catalog.ledger import Ledger, LedgerBusy
from catalog.workers import announce, beat, forget, forget_silent, list_workers
from worker.identity import code_version
from worker.presence import Presence


@pytest.fixture
def own_ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path}/ledger.db")


def test_a_forgotten_worker_that_lives_comes_back_as_it_was(own_ledger: Ledger) -> None:
    presence = Presence(own_ledger, queue="embed", device="cpu")
    presence.start()
    presence.doing, presence.images = "embedding", 12
    [before] = list_workers(own_ledger, alive_within_s=20)
    forget(own_ledger, presence.name)
    presence._beat()
    [row] = list_workers(own_ledger, alive_within_s=20)
    assert (row.name, row.queues, row.pid, row.doing, row.images) == (
        before.name, "embed", before.pid, "embedding", 12,
    )  # fmt: skip
    assert row.started_at == before.started_at
    presence.stop()
    assert not list_workers(own_ledger, alive_within_s=20)


def test_a_ledger_that_is_locked_stops_no_sign_of_life(own_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    signs: list[str] = []

    def locked(*_: object, **__: object) -> bool:
        signs.append("ledger")
        raise LedgerBusy("locked")

    monkeypatch.setattr("worker.presence.beat", locked)
    Presence(own_ledger, queue="query", device="cpu", sign_of_life=lambda: signs.append("broker"))._beat()
    assert signs == ["broker", "ledger"]


def test_a_broker_that_is_away_stops_no_beat(own_ledger: Ledger) -> None:
    def away() -> None:
        raise ConnectionError("no broker")

    presence = Presence(own_ledger, queue="query", device="cpu", sign_of_life=away)
    presence._beat()
    assert [row.name for row in list_workers(own_ledger, alive_within_s=20)] == [presence.name]


def test_silence_is_measured_by_the_clock_of_the_ledger(own_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on PostgreSQL, whose clock need not be this machine's."""
    ahead = time.time() + 5000
    monkeypatch.setattr("catalog.workers.clock", lambda connection: ahead)
    announce(own_ledger, name="a", queues="embed", host="h", pid=1, device="cpu")
    announce(own_ledger, name="b", queues="embed", host="h", pid=2, device="cpu")
    assert forget_silent(own_ledger, after_s=120) == {}
    monkeypatch.setattr("catalog.workers.clock", lambda connection: ahead + 130)
    assert beat(own_ledger, "b", doing=None, images=0)
    assert forget_silent(own_ledger, after_s=120) == {"a": 130.0}
    assert not beat(own_ledger, "a", doing=None, images=0)


def test_the_speed_is_that_of_the_last_minute(own_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("worker.presence.time.monotonic", lambda: now[0])
    presence = Presence(own_ledger, queue="embed", device="cpu", encoder=lambda: "e" * 64)
    rates = []
    for images in (0, 20, 40, 60, 60, 60, 60):
        presence.images = images
        presence._beat_in_ledger()
        [row] = list_workers(own_ledger, alive_within_s=20)
        rates.append(row.images_per_s)
        now[0] += 20
    assert rates == [0.0, 1.0, 1.0, 1.0, 0.7, 0.3, 0.0]
    assert row.encoder_id == "e" * 64 and row.version == code_version()
