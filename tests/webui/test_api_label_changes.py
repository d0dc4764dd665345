"""Labels change over the API: name, colour, group, merge; and an undone batch is done again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.webui.room import Room, Visitor
from webui.api import answers


def key() -> str:
    return uuid4().hex


def add(person: Visitor, name: str, **more: Any) -> int:
    answer = person.post("/api/v1/labels", json={"name": name, **more})
    assert answer.status_code == 201, answer.data
    return int(answer.json["id"])


def decide(person: Visitor, label: str, image_ids: list[int], decision: str = "yes") -> int:
    body = {"key": key(), "label": label, "decision": decision, "image_ids": image_ids}
    return int(person.post("/api/v1/labels/decisions", json=body).json["batch"])


def undo(person: Visitor, *batches: int) -> None:
    for batch in batches:
        assert person.post(f"/api/v1/batches/{batch}/undo", json={"key": key()}).status_code == 200


def labels(person: Visitor) -> dict[str, Any]:
    return {row["name"]: row for row in person.get("/api/v1/labels").json["labels"]}


def groups(person: Visitor) -> dict[str, Any]:
    return {row["name"]: row for row in person.get("/api/v1/label-groups").json["groups"]}


def test_a_label_gets_another_name_colour_and_group(person: Visitor) -> None:
    made = add(person, "lorry")
    answer = person.patch(
        f"/api/v1/labels/{made}", json={"name": "truck", "colour": "#AA0011", "group": "road", "exclusive": False}
    )
    assert answer.status_code == 200, answer.data
    assert answers.Label.model_validate_json(answer.data, strict=True).group == "road"
    assert (answer.json["name"], answer.json["colour"]) == ("truck", "#aa0011")
    assert not groups(person)["road"]["exclusive"]
    assert not answer.json["exclusive"]
    group = groups(person)["road"]["id"]
    assert person.patch(f"/api/v1/label-groups/{group}", json={"exclusive": True}).status_code == 200
    assert {row["name"]: row["exclusive"] for row in person.get("/api/v1/labels").json["labels"]}["truck"]
    assert person.patch(f"/api/v1/labels/{made}", json={"colour": "#aa0012"}).json["group"] == "road"
    assert person.patch(f"/api/v1/labels/{made}", json={"group": None}).json["group"] is None


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "100"),
        ({"name": "sky"}, "already"),
        ({"colour": "red"}, "colour"),
        ({"colour": "#12345"}, "colour"),
        ({"group": " "}, "name"),
        ({"colr": "#123456"}, "colr"),
    ],
)
def test_a_change_that_cannot_be_is_refused(person: Visitor, body: dict[str, Any], named: str) -> None:
    made = add(person, "steady")
    before = labels(person)["steady"]
    answer = person.patch(f"/api/v1/labels/{made}", json=body)
    assert answer.status_code == 400, answer.data
    assert named in answer.json["error"]["message"]
    assert labels(person)["steady"] == before


def test_a_group_is_exclusive_only_where_that_is_so(person: Visitor, room: Room) -> None:
    image = room.unlabelled_ids[0]
    for name in ("wet", "cold"):
        add(person, name, group="weather", exclusive=False)
    batches = [decide(person, name, [image]) for name in ("wet", "cold")]
    group = groups(person)["weather"]
    path = f"/api/v1/label-groups/{group['id']}"
    refused = person.patch(path, json={"exclusive": True})
    assert (refused.status_code, refused.json["error"]["code"]) == (400, "invalid_label")
    assert "1 image is two labels" in refused.json["error"]["message"]
    undo(person, batches[1])
    changed = person.patch(path, json={"exclusive": True, "name": "sky state"})
    assert answers.Group.model_validate_json(changed.data, strict=True).exclusive
    assert changed.json["labels"] == ["cold", "wet"]
    left = person.delete(path)
    assert answers.Groups.model_validate_json(left.data, strict=True).groups == [
        answers.Group.model_validate(one) for one in groups(person).values()
    ]
    assert "sky state" not in groups(person)
    assert person.delete(path).json["error"]["code"] == "unknown_group"
    undo(person, batches[0])


def test_a_merge_its_undo_and_its_redo(person: Visitor, room: Room) -> None:
    images = room.unlabelled_ids[:4]
    old = add(person, "tarmac")
    add(person, "asphalt")
    first = decide(person, "tarmac", images[:3])
    second = decide(person, "asphalt", images[:1], "no")
    plan = person.get(f"/api/v1/labels/{old}/merge?into=asphalt")
    assert answers.MergePlan.model_validate_json(plan.data, strict=True).yes == 2
    assert plan.json == {"yes": 2, "no": 0, "same": 0, "contradictions": 1, "ended": 0}
    sent = {"key": key(), "into": "asphalt"}
    merged = person.post(f"/api/v1/labels/{old}/merge", json=sent)
    assert merged.status_code == 200, merged.data
    assert answers.Merged.model_validate_json(merged.data, strict=True).repeated is False
    assert (merged.json["moved"], merged.json["contradictions"]) == (2, 1)
    assert person.post(f"/api/v1/labels/{old}/merge", json=sent).json == {**merged.json, "repeated": True}
    third = decide(person, "tarmac", images[:1], "unknown")
    done = person.post(f"/api/v1/labels/{old}/merge", json={"key": key(), "into": "asphalt"}).json
    assert (done["moved"], done["contradictions"]) == (0, 0)
    assert "tarmac" not in labels(person)
    by_old_name = person.post("/api/v1/search", json={"image_id": images[1], "label": "tarmac", "k": 10}).json
    assert {row["image_id"] for row in by_old_name["results"]} <= {images[1], images[2]}
    assert by_old_name["results"]
    batch = merged.json["batch"]
    history = person.get("/api/v1/batches?limit=5").json["batches"]
    assert [row["kind"] for row in history] == ["merge", "decide", "merge", "decide", "decide"]
    refused = person.post(f"/api/v1/batches/{batch}/redo", json={"key": key()})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "not_undone")
    undo(person, done["batch"], third, batch)
    assert labels(person)["tarmac"]["yes"] == 3
    again = person.post(f"/api/v1/batches/{batch}/redo", json={"key": key()})
    assert answers.BatchResult.model_validate_json(again.data, strict=True).applied > 0
    assert labels(person)["asphalt"]["yes"] == 2
    undo(person, again.json["batch"], second, first)
    unknown = person.post(f"/api/v1/labels/{old}/merge", json={"key": key(), "into": "nothing of the kind"})
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "unknown_label")
    for into, status in (("nothing of the kind", 404), ("tarmac", 400), ("", 400)):
        assert person.get(f"/api/v1/labels/{old}/merge?into={into}").status_code == status
