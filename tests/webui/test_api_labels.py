"""Labels over the API: decide, repeat, undo, and the history."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from catalog.tables import label_event
from tests.webui.room import Room, Visitor


def decide(person: Visitor, image_ids: list[int], **changes: Any) -> Any:
    body = {"key": uuid4().hex, "label": "cloud", "decision": "yes", "image_ids": image_ids, **changes}
    return person.post("/api/v1/labels/decisions", data=json.dumps(body), content_type="application/json")


def names(person: Visitor, image_id: int) -> set[str]:
    return {row["name"] for row in person.get(f"/api/v1/images/{image_id}").json["labels"] if row["state"] == "yes"}


def test_labels_are_listed_with_their_counts(person: Visitor) -> None:
    rows = {row["name"]: row for row in person.get("/api/v1/labels").json["labels"]}
    assert rows["sky"]["yes"] == 10
    assert rows["sky"]["no"] == 0


def test_a_decision_a_repetition_and_an_undo(person: Visitor, room: Room) -> None:
    images = room.unlabelled_ids[:5]
    key = uuid4().hex
    about = {"scores": [0.9, None, 0.8, 0.7, 0.6], "encoder": room.encoder.id}
    first = decide(person, images, key=key, **about)
    assert first.status_code == 200, first.data
    assert first.json == {"batch": first.json["batch"], "applied": 5, "unchanged": 0, "images": 5, "repeated": False}
    assert names(person, images[0]) == {"cloud"}
    again = decide(person, images, key=key, **about)
    assert again.json["repeated"]
    assert again.json["batch"] == first.json["batch"]
    undone = person.post(f"/api/v1/batches/{first.json['batch']}/undo", json={"key": uuid4().hex})
    assert undone.status_code == 200, undone.data
    assert undone.json["applied"] == 5
    assert names(person, images[0]) == set()
    history = person.get("/api/v1/batches?limit=2").json["batches"]
    assert [row["kind"] for row in history] == ["undo", "decide"]
    assert history[0]["undoes"] == first.json["batch"]
    assert history[1]["undone"]
    assert history[1]["labels"] == ["cloud"]


def test_the_history_knows_hunt_encoder_and_score(person: Visitor, room: Room) -> None:
    images, hunt = room.unlabelled_ids[:2], "a-hunt_of_22_letters00"
    batch = decide(person, images, hunt=hunt, scores=[0.9, None], encoder=room.encoder.id).json["batch"]
    with room.ledger.read() as connection:
        query = select(label_event).where(label_event.c.batch_id == batch).order_by(label_event.c.image_id)
        found = [(row.image_id, row.hunt, row.encoder_id, row.score) for row in connection.execute(query)]
    scores = dict(zip(images, (0.9, None), strict=True))
    assert found == [(image, hunt, room.encoder.id, scores[image]) for image in sorted(images)]
    person.post(f"/api/v1/batches/{batch}/undo", json={"key": uuid4().hex})


def test_an_image_named_twice_counts_once(person: Visitor, room: Room) -> None:
    image = room.unlabelled_ids[6]
    decided = decide(person, [image, image], label="twice").json
    assert decided["applied"] == 1
    person.post(f"/api/v1/batches/{decided['batch']}/undo", json={"key": uuid4().hex})


def test_a_decision_about_an_image_that_is_not_makes_no_label(person: Visitor, room: Room) -> None:
    answer = decide(person, [room.unlabelled_ids[0], 987654], label="ghost")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_image")
    assert "987654" in answer.json["error"]["message"]
    assert "ghost" not in {row["name"] for row in person.get("/api/v1/labels").json["labels"]}
    known = decide(person, [room.unlabelled_ids[0], 987654], label="sky")
    assert (known.status_code, known.json["error"]["code"]) == (404, "unknown_image")
    assert names(person, room.unlabelled_ids[0]) == set()


def test_taking_back_a_label_that_is_not_is_refused(person: Visitor, room: Room) -> None:
    answer = decide(person, room.unlabelled_ids[:1], label="never heard of", decision="unknown")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_label")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"image_ids": []}, "image_ids"),
        ({"image_ids": ["1"]}, "image_ids"),
        ({"image_ids": [0]}, "image_ids"),
        ({"image_ids": [2**64]}, "image_ids"),
        ({"image_ids": list(range(1, 100_002))}, "image_ids"),
        ({"decision": "maybe"}, "decision"),
        ({"key": ""}, "key"),
        ({"key": "x" * 65}, "key"),
        ({"label": ""}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"label": "\ud800"}, "label"),
        ({"label": 5}, "label"),
        ({"scores": [0.5, 0.6]}, "scores"),
        ({"scores": [float("nan")]}, "scores"),
        ({"hunt": "'] or id not in ['"}, "hunt"),
        ({"author": "somebody else"}, "author"),
    ],
)
def test_a_wrong_decision_is_refused_and_named(
    person: Visitor, room: Room, changes: dict[str, Any], named: str
) -> None:
    before = len(person.get("/api/v1/batches?limit=1000").json["batches"])
    answer = decide(person, **{"image_ids": room.unlabelled_ids[:1], **changes})
    assert answer.status_code == 400, answer.data
    assert named in answer.json["error"]["message"].lower()
    assert len(person.get("/api/v1/batches?limit=1000").json["batches"]) == before


def test_a_label_is_added_once(person: Visitor) -> None:
    first = person.post("/api/v1/labels", json={"name": "  caf\u0065\u0301 "})
    assert first.status_code == 201, first.data
    assert first.json["name"] == "caf\u00e9"
    assert person.post("/api/v1/labels", json={"name": "caf\u00e9"}).json["id"] == first.json["id"]


def test_undoing_what_is_not_is_refused(person: Visitor) -> None:
    answer = person.post("/api/v1/batches/987654/undo", json={"key": "k"})
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_batch")
    assert "987654" in answer.json["error"]["message"]


def test_a_new_label_is_suggested_to_its_neighbours_at_once(person: Visitor, room: Room) -> None:
    image = room.image_id("labelled/grass/00001.jpg")

    def suggested() -> list[str]:
        body = {"image_id": image, "k": 2, "unlabelled": True, "suggest": True}
        results = person.post("/api/v1/search", json=body).json["results"]
        return [row["suggestion"]["name"] for row in results]

    def nearest(**filters: Any) -> list[int]:
        results = person.post("/api/v1/search", json={"image_id": image, **filters}).json["results"]
        return [row["image_id"] for row in results]

    assert suggested() == ["grass"] * 2
    chosen = nearest(k=10, label="grass") + nearest(k=5, unlabelled=True)
    batch = decide(person, chosen, label="fresh").json["batch"]
    assert suggested() == ["fresh"] * 2
    person.post(f"/api/v1/batches/{batch}/undo", json={"key": uuid4().hex})
    assert suggested() == ["grass"] * 2


def test_a_label_that_was_refused_is_not_suggested(person: Visitor, room: Room) -> None:
    body = {"image_id": room.image_id("labelled/grass/00002.jpg"), "k": 3, "unlabelled": True, "suggest": True}
    first = person.post("/api/v1/search", json=body).json["results"][0]
    assert first["suggestion"]["name"] == "grass"
    batch = decide(person, [first["image_id"]], label="grass", decision="no").json["batch"]
    again = person.post("/api/v1/search", json=body).json["results"][0]
    assert again["image_id"] == first["image_id"]
    assert [label["state"] for label in again["labels"]] == ["no"]
    assert again["suggestion"] is None or again["suggestion"]["name"] != "grass"
    person.post(f"/api/v1/batches/{batch}/undo", json={"key": uuid4().hex})
