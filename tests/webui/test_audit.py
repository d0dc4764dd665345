"""Acts on the page that others have to know of are in the audit log; what cannot be noted is not done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from catalog import tables
from catalog.audit import recent
from catalog.images import get_images
from catalog.jobs import cancel_job
from catalog.ledger import LedgerBusy
from catalog.runs import create_run
from catalog.sources import delete_source, list_sources
from catalog.users import Role
from tests.photos import jpeg, scene
from tests.webui.doors import Person, let_in
from tests.webui.room import Room, Visitor
from webui.api.exports import AT_ONCE


@pytest.fixture
def admin(guarded: Flask, people: dict[Role, Person]) -> Visitor:
    return let_in(guarded, people["admin"].name)


@pytest.fixture
def labeller(guarded: Flask, people: dict[Role, Person]) -> Visitor:
    return let_in(guarded, people["labeller"].name)


@pytest.fixture
def run(room: Room) -> Iterator[int]:
    """A training run that waits for workers."""
    [source, *_] = [row.source.id for row in list_sources(room.ledger)]
    yield create_run(room.ledger, name="noted run", preset="quick-cpu", source_ids=[source], author="test")
    with room.ledger.write() as connection:
        connection.execute(delete(tables.run))


def last(room: Room) -> tuple[str, str, str]:
    [line] = recent(room.ledger, limit=1)
    return line.actor, line.action, line.target


def add_folder(client: Visitor, room: Room, name: str) -> Any:
    folder = room.photos / name
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(scene("sky", 6000)))
    return client.post("/api/v1/sources", json={"path": str(folder)})


def test_what_an_admin_ends_or_takes_away_is_noted(admin: Visitor, room: Room, run: int) -> None:
    me = "a admin"
    added = add_folder(admin, room, "noted folder")
    assert last(room) == (me, "source added", "noted folder")
    job = added.json["job"]
    assert admin.post(f"/api/v1/jobs/{job}/cancel").status_code == 200
    assert last(room) == (me, "job cancelled", f"job {job} of noted folder")
    assert admin.delete(f"/api/v1/sources/{added.json['source']}").status_code == 200
    assert last(room) == (me, "source removed", "noted folder")
    assert admin.post(f"/api/v1/training/{run}/cancel").status_code == 200
    assert last(room) == (me, "training cancelled", f"noted run, run {run}")


def test_an_image_that_is_deleted_is_noted(admin: Visitor, room: Room) -> None:
    with room.ledger.write() as connection:
        values = {"sha256": "a" * 64, "pixel_hash": "b" * 64, "width": 1, "height": 1, "bytes": 1, "format": "JPEG"}
        made = tables.image.insert().values(**values, created_at=1.0).returning(tables.image.c.id)
        image = connection.execute(made).scalar_one()
    assert admin.delete(f"/api/v1/images/{image}").status_code == 200
    assert last(room) == ("a admin", "image deleted", f"image {image}")
    assert get_images(room.ledger, [image])[image].deleted


def test_what_is_done_to_another_persons_work_is_noted(admin: Visitor, labeller: Visitor, room: Room) -> None:
    body = {"key": "theirs", "label": "noted too", "decision": "yes", "image_ids": room.unlabelled_ids[2:3]}
    batch = labeller.post("/api/v1/labels/decisions", json=body).json["batch"]
    assert labeller.post(f"/api/v1/batches/{batch}/undo", json={"key": "theirs, undone"}).status_code == 200
    assert admin.post(f"/api/v1/batches/{batch}/redo", json={"key": "theirs, redone"}).status_code == 200
    assert last(room) == ("a admin", "redo of another's", f"batch {batch} of a labeller, undone by a labeller")
    assert admin.post(f"/api/v1/batches/{batch}/undo", json={"key": "theirs, undone again"}).status_code == 200
    assert last(room) == ("a admin", "undo of another's", f"batch {batch} of a labeller")
    hunt = labeller.post("/api/v1/hunts", json={"label": "noted too", "examples": []}).json["id"]
    assert admin.delete(f"/api/v1/hunts/{hunt}").status_code == 204
    assert last(room) == ("a admin", "another's hunt deleted", "hunt for noted too of a labeller")


def busy(*_: Any, **__: Any) -> str:
    raise LedgerBusy("another process writes")


def test_exports_that_cannot_be_noted_take_no_place_from_later_ones(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("catalog.audit.plain_text", busy)
        for _ in range(AT_ONCE):
            assert admin.get("/api/v1/export?format=csv").status_code == 503
    with admin.get("/api/v1/export?format=csv") as export:
        assert export.status_code == 200, export.data


def test_a_folder_that_cannot_be_noted_is_not_there_when_the_answer_says_so(
    admin: Visitor, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.audit.plain_text", busy)
    before = list_sources(room.ledger)
    assert add_folder(admin, room, "not noted").status_code == 503
    assert list_sources(room.ledger) == before
    monkeypatch.undo()
    answer = admin.post("/api/v1/sources", json={"path": str(room.photos / "not noted")})
    assert answer.status_code == 202, answer.data
    cancel_job(room.ledger, answer.json["job"])
    delete_source(room.ledger, answer.json["source"])
