"""The history over the API: by person, with what people disagree on, and the images of each batch."""

from __future__ import annotations

from uuid import uuid4

from catalog.labels import Decision, ensure_label, record
from tests.webui.room import Room, Visitor
from webui.api import answers_history


def test_a_batch_names_whom_it_contradicts_and_shows_the_images(person: Visitor, room: Room) -> None:
    label = ensure_label(room.ledger, "fog")
    images = room.unlabelled_ids[:3]
    made = [Decision(image_id, label.id, "yes") for image_id in images]
    record(room.ledger, key=uuid4().hex, author="anna", decisions=made)
    body = {"key": uuid4().hex, "label": "fog", "decision": "no", "image_ids": images[:2]}
    mine = person.post("/api/v1/labels/decisions", json=body).json["batch"]
    listed = person.get("/api/v1/batches?limit=2").json
    assert listed["batches"][0]["over"] == [{"author": "anna", "decisions": 2}]
    assert listed["batches"][1]["by"] == [{"author": "local", "decisions": 2}]
    assert {"anna", "local"} <= set(listed["authors"])
    [part] = listed["batches"][0]["parts"]
    assert (part["label"], part["decision"], part["images"]) == ("fog", "no", 2)
    answer = person.get(f"/api/v1/batches/{mine}?limit=1")
    shown = answers_history.BatchShown.model_validate_json(answer.data, strict=True)
    assert shown.batch.size == 2
    assert [one.image_id for one in shown.images] == images[:1]
    assert (shown.conflicts[0].first_author, shown.conflicts[0].then) == ("anna", "no")
    by_anna = person.get("/api/v1/batches?author=anna").json["batches"]
    assert {batch["author"] for batch in by_anna} == {"anna"}
    for batch in (mine, by_anna[0]["id"]):
        person.post(f"/api/v1/batches/{batch}/undo", json={"key": uuid4().hex})


def test_a_batch_that_is_not_there_is_a_clear_error(person: Visitor) -> None:
    answer = person.get("/api/v1/batches/987654")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_batch")
    assert person.get("/api/v1/batches/1?limit=0").status_code == 400
