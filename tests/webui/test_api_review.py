"""One label over the API: its images most likely wrong first, suggested ones, and two labels compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.webui.room import Room, Visitor
from tests.webui.test_openapi import pruned
from webui.api import answers_review

Labels = dict[str, int]


@pytest.fixture(autouse=True)
def taken_back(person: Visitor) -> Iterator[None]:
    """The room is shared: what a test decides is undone after it, the last first."""
    before = {row["id"] for row in person.get("/api/v1/batches?limit=1000").json["batches"]}
    yield
    for row in person.get("/api/v1/batches?limit=1000").json["batches"]:
        if row["id"] not in before and row["kind"] in ("decide", "review") and not row["undone"]:
            assert undo(person, row["id"]).status_code == 200


@pytest.fixture
def labels(person: Visitor) -> Labels:
    return {row["name"]: row["id"] for row in person.get("/api/v1/labels").json["labels"]}


@pytest.fixture
def mixed(person: Visitor, room: Room, labels: Labels) -> int:
    """A label of all the unlabelled sky and one brick, which is returned."""
    sky = [room.image_id(f"unlabelled/{seed:05d}-0.jpg") for seed in range(1000, 1010)]
    brick = room.image_id("unlabelled/01000-2.jpg")
    body = {"key": uuid4().hex, "label": "above", "decision": "yes", "image_ids": [*sky, brick]}
    assert person.post("/api/v1/labels/decisions", json=body).status_code == 200
    labels["above"] = next(r["id"] for r in person.get("/api/v1/labels").json["labels"] if r["name"] == "above")
    return brick


def undo(person: Visitor, batch: int) -> Any:
    return person.post(f"/api/v1/batches/{batch}/undo", json={"key": uuid4().hex})


def send(person: Visitor, path: str, **body: Any) -> Any:
    return person.post(f"/api/v1/labels/{path}", json={"key": uuid4().hex, **body})


def ids(answer: Any) -> list[int]:
    return [result["image_id"] for result in answer.json["results"]]


def test_a_label_is_looked_through_and_the_look_undone(person: Visitor, mixed: int, labels: Labels) -> None:
    path = f"{labels['above']}/review"
    shown = person.get(f"/api/v1/labels/{path}")
    assert shown.status_code == 200, shown.data
    parsed = answers_review.Review.model_validate_json(shown.data, strict=True)
    assert parsed.model_dump(exclude_none=True) == pruned(shown.json)
    assert (parsed.total, parsed.reviewed, parsed.unranked, parsed.label.name) == (11, 0, 0, "above")
    assert ids(shown)[0] == mixed
    assert parsed.results[0].suggestion is not None
    assert parsed.results[0].suggestion.name == "brick"

    scores = {result["image_id"]: result["score"] for result in shown.json["results"]}
    kept = ids(shown)[1:6]
    done = send(person, path, kept=kept, removed=[mixed], encoder=parsed.encoder, scores=scores)
    assert done.status_code == 200, done.data
    parsed_done = answers_review.ReviewDecided.model_validate_json(done.data, strict=True)
    assert (parsed_done.kept, parsed_done.removed, parsed_done.passed_over, parsed_done.repeated) == (5, 1, 0, False)
    rest = person.get(f"/api/v1/labels/{path}")
    assert not {mixed, *kept} & set(ids(rest))
    assert (rest.json["total"], rest.json["reviewed"]) == (5, 5)
    assert set(ids(person.get(f"/api/v1/labels/{path}?everything=true&sort=newest"))) == set(ids(shown)) - {mixed}

    assert undo(person, parsed_done.batch).status_code == 200
    assert ids(person.get(f"/api/v1/labels/{path}")) == ids(shown)


def test_the_same_page_sent_twice_counts_once(person: Visitor, mixed: int, labels: Labels) -> None:
    path, key = f"{labels['above']}/review", uuid4().hex
    first = send(person, path, removed=[mixed], key=key)
    again = send(person, path, removed=[mixed], key=key)
    assert again.json == {**first.json, "repeated": True}


def test_suggestions_are_undecided_and_likely(person: Visitor, room: Room, mixed: int, labels: Labels) -> None:
    path = f"{labels['sky']}/suggested"
    shown = person.get(f"/api/v1/labels/{path}?limit=10")
    assert shown.status_code == 200, shown.data
    parsed = answers_review.Suggested.model_validate_json(shown.data, strict=True)
    assert parsed.model_dump(exclude_none=True) == pruned(shown.json)
    sky = {room.image_id(f"unlabelled/{seed:05d}-0.jpg") for seed in range(1000, 1010)}
    assert len(sky & set(ids(shown))) >= 9
    yes, no = ids(shown)[:4], ids(shown)[4:6]
    done = send(person, path, yes=yes, no=no, encoder=parsed.encoder)
    assert (done.status_code, done.json["applied"]) == (200, 6), done.data
    assert not {*yes, *no} & set(ids(person.get(f"/api/v1/labels/{path}")))
    assert undo(person, done.json["batch"]).json["applied"] == 6


def test_a_suggestion_replaces_nobodys_decision_made_meanwhile(
    person: Visitor, room: Room, mixed: int, labels: Labels
) -> None:
    path = f"{labels['sky']}/suggested"
    first, second, third, *rest = ids(person.get(f"/api/v1/labels/{path}?limit=8"))
    for decision, image in (("no", first), ("yes", second)):
        body = {"key": uuid4().hex, "label": "sky", "decision": decision, "image_ids": [image]}
        assert person.post("/api/v1/labels/decisions", json=body).status_code == 200
    done = send(person, path, yes=[first, third], no=[second, *rest])
    parsed = answers_review.SuggestedDecided.model_validate_json(done.data, strict=True)
    assert (parsed.applied, parsed.unchanged, parsed.passed_over) == (1 + len(rest), 0, 2)
    states = {image: state_of(person, image, "sky") for image in (first, second, third, rest[0])}
    assert states == {first: "no", second: "yes", third: "yes", rest[0]: "no"}
    assert undo(person, parsed.batch).json["applied"] == 1 + len(rest)
    assert [state_of(person, image, "sky") for image in (first, second, third)] == ["no", "yes", None]


def state_of(person: Visitor, image: int, label: str) -> str | None:
    found = person.get(f"/api/v1/images/{image}").json["labels"]
    return next((row["state"] for row in found if row["name"] == label), None)


def test_a_label_of_nothing_has_no_suggestions(person: Visitor, mixed: int, labels: Labels) -> None:
    batch = person.get("/api/v1/batches?limit=1").json["batches"][0]["id"]
    assert undo(person, batch).status_code == 200
    answer = person.get(f"/api/v1/labels/{labels['above']}/suggested")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "no_examples")
    assert person.get(f"/api/v1/labels/{labels['above']}/review").json["results"] == []


def test_two_labels_are_compared_and_images_moved(person: Visitor, mixed: int, labels: Labels) -> None:
    path = f"{labels['above']}/against/{labels['brick']}"
    shown = person.get(f"/api/v1/labels/{path}")
    assert shown.status_code == 200, shown.data
    parsed = answers_review.Compared.model_validate_json(shown.data, strict=True)
    assert parsed.model_dump(exclude_none=True) == pruned(shown.json)
    assert ids(shown)[0] == mixed
    assert (parsed.label.name, parsed.other.name, parsed.total, parsed.both) == ("above", "brick", 11, 0)
    moved = send(person, path, image_ids=[mixed], to="other")
    assert (moved.status_code, moved.json["applied"]) == (200, 2), moved.data
    found = person.get(f"/api/v1/images/{mixed}").json["labels"]
    assert {row["name"]: row["state"] for row in found} == {"above": "no", "brick": "yes"}
    undone = undo(person, moved.json["batch"]).json
    assert (undone["applied"], undone["images"]) == (2, 1), "two decisions about one picture"
    gone = send(person, path, image_ids=[mixed], to="neither")
    assert gone.json["applied"] == 1
    found = person.get(f"/api/v1/images/{mixed}").json["labels"]
    assert {row["name"]: row["state"] for row in found} == {"above": "no"}


def test_bad_requests_are_refused_and_write_nothing(person: Visitor, room: Room, labels: Labels) -> None:
    sky, image = labels["sky"], room.image_id("labelled/sky/00006.jpg")
    before = person.get("/api/v1/batches?limit=1").json
    refused = [
        (send(person, "987/review", kept=[image]), 404, "unknown_label"),
        (send(person, f"{sky}/review", kept=[987654]), 404, "unknown_image"),
        (send(person, f"{sky}/review", kept=[image], removed=[image]), 400, "invalid_value"),
        (send(person, f"{sky}/review"), 400, "invalid_value"),
        (send(person, f"{sky}/suggested", yes=[image], no=[image]), 400, "invalid_value"),
        (send(person, "987/suggested", yes=[image]), 404, "unknown_label"),
        (send(person, f"{sky}/against/{sky}", image_ids=[image], to="other"), 400, "invalid_value"),
        (send(person, f"{sky}/against/987", image_ids=[image], to="other"), 404, "unknown_label"),
        (person.get("/api/v1/labels/987/review"), 404, "unknown_label"),
        (person.get("/api/v1/labels/987/suggested"), 404, "unknown_label"),
        (person.get(f"/api/v1/labels/{sky}/against/987"), 404, "unknown_label"),
    ]
    for answer, status, code in refused:
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.data
    for query in ("sort=best", "limit=0", "limit=5001", "offset=-1", "page=3"):
        assert person.get(f"/api/v1/labels/{sky}/review?{query}").status_code == 400, query
    assert send(person, f"{sky}/review", kept=list(range(1, 5002))).status_code == 400
    assert send(person, f"{sky}/against/{labels['brick']}", image_ids=[], to="other").status_code == 400
    assert person.get("/api/v1/batches?limit=1").json == before


def test_without_a_session_nothing_is_decided(visitor: Visitor, labels: Labels) -> None:
    for path in ("review", "suggested", f"against/{labels['brick']}"):
        answer = visitor.post(f"/api/v1/labels/{labels['sky']}/{path}", json={"key": "k"})
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "csrf"), path
