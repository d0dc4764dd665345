"""Hunts over the API: begun with a picture, worked through step by step, undone, shared, and forgotten."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from catalog.labels import ensure_label
from tests.photos import jpeg, scene
from tests.webui.room import Room, Visitor
from webui.api import answers_matches


@pytest.fixture(autouse=True)
def taken_back(person: Visitor) -> Iterator[None]:
    """The room is shared: what a test decides is undone after it, the last first."""
    before = {row["id"] for row in person.get("/api/v1/batches?limit=1000").json["batches"]}
    yield
    for row in person.get("/api/v1/batches?limit=1000").json["batches"]:
        if row["id"] not in before and row["kind"] == "decide" and not row["undone"]:
            undone = person.post(f"/api/v1/batches/{row['id']}/undo", json={"key": uuid4().hex})
            assert undone.status_code == 200, undone.data


@pytest.fixture
def hunt(person: Visitor, room: Room) -> Iterator[str]:
    """A hunt for a label of its own, from one unlabelled picture of sky; what it labels is taken back."""
    label = f"above {uuid4().hex[:8]}"
    sky = room.image_id("unlabelled/01000-0.jpg")
    made = person.post("/api/v1/hunts", json={"label": label, "examples": [{"image_id": sky}]})
    assert made.status_code == 201, made.data
    yield str(made.json["id"])
    person.delete(f"/api/v1/hunts/{made.json['id']}")


def step(person: Visitor, hunt: str) -> Any:
    answer = person.post(f"/api/v1/hunts/{hunt}/step", json={})
    assert answer.status_code == 200, answer.data
    return answer.json


def decide(person: Visitor, hunt: str, yes: list[int], no: list[int], **changes: Any) -> Any:
    body = {"key": uuid4().hex, "token": "t", "yes": yes, "no": no, **changes}
    return person.post(f"/api/v1/hunts/{hunt}/decisions", json=body)


def is_sky(result: dict[str, Any]) -> bool:
    return "/sky/" in result["path"] or "-0.jpg" in result["path"] or "caf" in result["path"]


def test_a_hunt_from_one_picture_to_its_end(person: Visitor, hunt: str, room: Room) -> None:
    batches = []
    seen: set[int] = set()
    found = 0
    for _ in range(10):
        offered = step(person, hunt)
        if offered["kind"] == "end":
            break
        assert offered["kind"] == "page"
        ids = [result["image_id"] for result in offered["results"]]
        assert not seen & set(ids), "what was decided comes back"
        seen.update(ids)
        yes = [result["image_id"] for result in offered["results"] if is_sky(result)]
        no = [image for image in ids if image not in yes]
        answer = decide(person, hunt, yes, no, token=offered["token"], encoder=offered["encoder"])
        assert answer.status_code == 200, answer.data
        found += len(yes)
        assert (answer.json["found"], answer.json["applied"]) == (found, len(ids))
        batches.append(answer.json["batch"])
    assert offered["kind"] == "end"
    assert seen == set(range(1, room.images + 1))
    assert (offered["found"], offered["rejected"]) == (21, 40)
    rows = person.get("/api/v1/hunts").json["hunts"]
    assert next((row["found"], row["rejected"]) for row in rows if row["id"] == hunt) == (21, 40)
    undone = person.post(f"/api/v1/batches/{batches[-1]}/undo", json={"key": uuid4().hex})
    assert undone.json["applied"] > 0
    assert step(person, hunt)["kind"] == "page"


def test_what_is_learned_comes_before_what_is_near(person: Visitor, hunt: str) -> None:
    first = step(person, hunt)["results"]
    yes = [result["image_id"] for result in first if is_sky(result)][:5]
    no = [result["image_id"] for result in first if not is_sky(result)][:5]
    decide(person, hunt, yes, no)
    after = step(person, hunt)
    assert not {*yes, *no} & {result["image_id"] for result in after["results"]}
    left = sum(is_sky(result) for result in after["results"])
    assert all(is_sky(result) for result in after["results"][:left])
    assert after["cut"] is None or after["cut"] <= len(after["results"])
    scores = [result["score"] for result in after["results"]]
    assert scores == sorted(scores, reverse=True)


def test_the_same_key_counts_once_and_a_contradiction_is_refused(person: Visitor, hunt: str) -> None:
    images = [result["image_id"] for result in step(person, hunt)["results"]]
    key = uuid4().hex
    first = decide(person, hunt, images[:2], images[2:3], key=key).json
    again = decide(person, hunt, images[:2], images[2:3], key=key).json
    assert (again["batch"], again["repeated"], again["found"]) == (first["batch"], True, 2)
    both = decide(person, hunt, images[4:6], images[5:7])
    assert (both.status_code, both.json["error"]["code"]) == (400, "invalid_value")
    nothing = decide(person, hunt, [], [])
    assert nothing.status_code == 400
    unknown = decide(person, hunt, [10**9], [])
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "unknown_image")


def test_examples_come_and_go(person: Visitor, hunt: str, room: Room) -> None:
    picture = {"file": (io.BytesIO(jpeg(scene("sky", 777))), "x.jpg"), "sign": "1"}
    added = person.post(f"/api/v1/hunts/{hunt}/examples", data=picture, content_type="multipart/form-data")
    assert added.status_code == 201, added.data
    other = person.post(f"/api/v1/hunts/{hunt}/examples", json={"sample": "brick.jpg", "sign": -1})
    assert other.status_code == 201, other.data
    examples = other.json["examples"]
    assert [(one["kind"], one["sign"]) for one in examples] == [("image", 1), ("upload", 1), ("upload", -1)]
    for one in examples:
        view = person.get(one["thumbnail"])
        assert (view.status_code, view.mimetype.partition("/")[0]) == (200, "image"), view.data
    assert is_sky(step(person, hunt)["results"][0])
    for one in examples:
        gone = person.delete(f"/api/v1/hunts/{hunt}/examples/{one['id']}")
    assert gone.json["examples"] == []
    refused = person.post(f"/api/v1/hunts/{hunt}/step", json={})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "no_examples")


def test_only_rejected_examples_do_not_say_what_to_find(person: Visitor, room: Room) -> None:
    made = person.post(
        "/api/v1/hunts", json={"label": "nothing yet", "examples": [{"sample": "brick.jpg", "sign": -1}]}
    ).json
    refused = person.post(f"/api/v1/hunts/{made['id']}/step", json={})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "no_examples")
    assert person.delete(f"/api/v1/hunts/{made['id']}").status_code == 204
    assert person.get(f"/api/v1/hunts/{made['id']}").status_code == 404


def test_labelled_images_are_examples_enough(person: Visitor, room: Room) -> None:
    made = person.post("/api/v1/hunts", json={"label": "grass"})
    assert made.status_code == 201, made.data
    offered = step(person, made.json["id"])
    assert offered["kind"] == "page"
    grass = ["-1.jpg" in result["path"] for result in offered["results"][:10]]
    assert all(grass), "one in three of the photos are grass"
    assert all(label["name"] != "grass" for result in offered["results"] for label in result["labels"])
    person.delete(f"/api/v1/hunts/{made.json['id']}")


def test_finished_taken_up_and_named(person: Visitor, hunt: str) -> None:
    done = person.patch(f"/api/v1/hunts/{hunt}", json={"finished": True, "name": "for the atlas"})
    assert (done.json["name"], done.json["finished_at"] is not None) == ("for the atlas", True)
    assert person.patch(f"/api/v1/hunts/{hunt}", json={"finished": False}).json["finished_at"] is None
    assert person.get("/api/v1/hunts/nothing").status_code == 404
    assert person.post("/api/v1/hunts/nothing/step", json={}).status_code == 404


def test_an_offer_that_is_gone_is_told(person: Visitor, hunt: str) -> None:
    step(person, hunt)
    answer = person.post(f"/api/v1/hunts/{hunt}/accept", json={"key": uuid4().hex, "token": "old", "accept": True})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "offer_gone")
    declined = person.post(f"/api/v1/hunts/{hunt}/accept", json={"key": uuid4().hex, "token": "old", "accept": False})
    assert (declined.status_code, declined.json["batch"]) == (200, None)


@pytest.mark.parametrize("name", ["it's 'quoted' \"twice\"", "✈️ plane", "'] or id not in ['", "x" * 100])
def test_odd_labels_are_hunted_too(person: Visitor, room: Room, name: str) -> None:
    made = person.post("/api/v1/hunts", json={"label": name, "examples": [{"image_id": room.unlabelled_ids[0]}]})
    assert made.json["label"]["name"] == name
    offered = step(person, made.json["id"])
    assert decide(person, made.json["id"], [offered["results"][0]["image_id"]], []).json["found"] == 1
    person.delete(f"/api/v1/hunts/{made.json['id']}")


@pytest.mark.parametrize("name", ["", "   ", "x" * 300])
def test_labels_that_are_none_begin_no_hunt(person: Visitor, room: Room, name: str) -> None:
    before = len(person.get("/api/v1/hunts").json["hunts"])
    refused = person.post("/api/v1/hunts", json={"label": name, "examples": []})
    assert refused.status_code == 400
    assert len(person.get("/api/v1/hunts").json["hunts"]) == before


def test_a_rival_of_an_exclusive_group_is_left_out(person: Visitor, room: Room) -> None:
    up, down = (ensure_label(room.ledger, name, group="where", exclusive=True).id for name in ("up", "down"))
    assert up != down
    person.post(
        "/api/v1/labels/decisions",
        json={"key": uuid4().hex, "label": "down", "decision": "yes", "image_ids": room.unlabelled_ids[:3]},
    )
    made = person.post("/api/v1/hunts", json={"label": "up", "examples": [{"image_id": room.unlabelled_ids[9]}]}).json
    shown = {result["image_id"] for result in step(person, made["id"])["results"]}
    assert not shown & set(room.unlabelled_ids[:3])
    person.delete(f"/api/v1/hunts/{made['id']}")


def test_all_above_the_line_are_stated_and_decided_for_the_hunt(person: Visitor, hunt: str) -> None:
    early = person.post(f"/api/v1/hunts/{hunt}/above", json={})
    assert (early.status_code, early.json["error"]["code"]) == (409, "no_line")
    every = step(person, hunt)["results"]
    sky = [row["image_id"] for row in every if is_sky(row)]
    decide(person, hunt, sky[:20], [row["image_id"] for row in every if not is_sky(row)][:25])
    answer = person.post(f"/api/v1/hunts/{hunt}/above", json={})
    assert answer.status_code == 201, answer.data
    plan = answers_matches.MatchPlan.model_validate_json(answer.data, strict=True)
    assert plan.matched == plan.plain + plan.other
    assert len(plan.drawn) == min(12, plan.matched)
    body = {"key": uuid4().hex, "decision": "yes", "kinds": ["plain", "other"]}
    done = person.post(f"/api/v1/matches/{plan.token}/decisions", json=body).json
    assert (done["applied"], done["changed"]) == (plan.matched, 0)
    assert person.get(f"/api/v1/hunts/{hunt}").json["found"] == 20 + plan.matched
    assert person.post("/api/v1/hunts/" + "x" * 22 + "/above", json={}).status_code == 404
