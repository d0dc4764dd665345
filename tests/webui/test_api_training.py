"""The API of training runs: asked for, followed, paused, resumed and cancelled; what cannot be trained is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from catalog import gangs, tables
from catalog.gangs import Member
from catalog.run_progress import note_epochs
from catalog.runs import Epoch
from tests.webui.room import Room, Visitor
from webui.api import answers_training


@pytest.fixture(autouse=True)
def _no_runs(room: Room) -> Iterator[None]:
    yield
    with room.ledger.write() as connection:
        for table in (tables.trainer, tables.run_epoch, tables.run):
            connection.execute(delete(table))


def wanted(person: Visitor, **values: Any) -> dict[str, Any]:
    sources = [row["id"] for row in person.get("/api/v1/sources").json["sources"]]
    return {"name": "mine", "preset": "quick-cpu", "sources": sources, **values}


def started(person: Visitor, **values: Any) -> int:
    answer = person.post("/api/v1/training", json=wanted(person, **values))
    assert answer.status_code == 202, answer.data
    return int(answer.json["run"])


def at_work(room: Room) -> Member:
    """A worker's place in the run's gang, in its training stage."""
    for stage in ("prepare", "train"):
        member = gangs.offer(room.ledger, worker="w", address="127.0.0.1", lease_s=60)
        assert isinstance(member, Member)
        if stage == "prepare":
            gangs.advance(room.ledger, member, "train", epochs=4)
            gangs.leave(room.ledger, member)
    assert isinstance(member, Member)
    return member


def test_a_run_is_followed_epoch_by_epoch(person: Visitor, room: Room) -> None:
    run = started(person, epochs=4)
    waiting = person.get(f"/api/v1/training/{run}").json
    assert (waiting["state"], waiting["members"], waiting["curve"]) == ("running", 0, [])
    member = at_work(room)
    note_epochs(room.ledger, member, [Epoch(n, 6.0 - n, 0.1, 0.08, 0.3, 100.0, 3.0) for n in (1, 2)])
    answer = person.get(f"/api/v1/training/{run}?after=1")
    found = answers_training.RunWithCurve.model_validate_json(answer.data, strict=True)
    assert [one.epoch for one in found.curve] == [2]
    assert (found.done, found.epochs, found.members, found.seconds_left) == (2, 4, 1, 6.0)
    assert found.last is not None and found.last.loss == 4.0
    listed = person.get("/api/v1/training")
    every = answers_training.Runs.model_validate_json(listed.data, strict=True)
    assert [row.id for row in every.runs] == [run]
    assert "quick-cpu" in {preset.name for preset in every.presets}
    assert [row["id"] for row in person.get("/api/v1/status").json["runs"]] == [run]


def test_pause_resume_and_cancel(person: Visitor) -> None:
    run = started(person)
    states = [person.post(f"/api/v1/training/{run}/{what}").json["state"] for what in ("pause", "resume", "cancel")]
    assert states == ["paused", "running", "cancelled"]
    assert person.post(f"/api/v1/training/{run}/resume").json["state"] == "cancelled"


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"name": " "}, 400, "invalid_run"),
        ({"preset": "enormous"}, 400, "invalid_run"),
        ({"sources": []}, 400, "invalid_value"),
        ({"sources": [987654]}, 404, "unknown_source"),
        ({"epochs": 0}, 400, "invalid_value"),
        ({"ranks": "two"}, 400, "invalid_value"),
        ({"labels": True}, 400, "invalid_value"),
    ],
)
def test_what_cannot_be_trained_is_refused(person: Visitor, values: dict[str, Any], status: int, code: str) -> None:
    answer = person.post("/api/v1/training", json=wanted(person, **values))
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.data
    assert person.get("/api/v1/training").json["runs"] == []


def test_a_run_that_is_not_there_is_named(person: Visitor) -> None:
    for answer in (person.get("/api/v1/training/99"), person.post("/api/v1/training/99/pause")):
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_run")
