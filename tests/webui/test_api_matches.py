"""All that match over HTTP, past the 16,384 rows that Milvus shows at once: stated, decided once, taken back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from catalog.artifacts import ArtifactStore
from catalog.images import delete_images
from catalog.ledger import Ledger
from curate import kept_matches
from tests.curate.album import Album, around
from tests.webui.room import Visitor, signed_in
from webui.api import answers_matches
from webui.app import create_app
from webui.config import WebConfig

IMAGES = 20_000
NEAR = 17_000


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Album]:
    """17,000 images near one direction, then 3,000 near another; the first 100 are sky, 50 are said not to be plane."""
    home = tmp_path_factory.mktemp("matches")
    album = Album(Ledger.open(f"sqlite:///{home}/ledger.db"), ArtifactStore(home / "artifacts"))
    vectors = np.concatenate([around(0, NEAR), around(1, IMAGES - NEAR)])
    for start in range(0, IMAGES, 4000):
        album.add(vectors[start : start + 4000])
    album.decide("sky", list(range(1, 101)))
    album.decide("plane", list(range(101, 151)), "no")
    yield album
    album.ledger.close()


@pytest.fixture(scope="module")
def person(album: Album, config: WebConfig) -> Visitor:
    """Somebody at the page of that collection; no query worker is needed."""
    return signed_in(create_app(replace(config, ledger=album.ledger, store=album.store)))


@pytest.fixture(autouse=True)
def _as_before(person: Visitor) -> Iterator[None]:
    before = {batch["id"] for batch in person.get("/api/v1/batches?limit=100").json["batches"]}
    yield
    for batch in person.get("/api/v1/batches?limit=100").json["batches"]:
        if batch["id"] not in before and batch["kind"] == "decide" and not batch["undone"]:
            person.post(f"/api/v1/batches/{batch['id']}/undo", json={"key": uuid4().hex})


def matched(person: Visitor, **values: Any) -> Any:
    answer = person.post("/api/v1/matches", json=values)
    assert answer.status_code == 201, answer.data
    return answer.json


def planned(person: Visitor, token: str, label: str = "plane", out: tuple[int, ...] = ()) -> Any:
    answer = person.post(f"/api/v1/matches/{token}/plan", json={"label": label, "out": out})
    assert answer.status_code == 201, answer.data
    return answer.json


def decided(person: Visitor, token: str, *kinds: str, decision: str = "yes", key: str | None = None) -> Any:
    body = {"key": key or uuid4().hex, "decision": decision, "kinds": kinds or ["plain"]}
    return person.post(f"/api/v1/matches/{token}/decisions", json=body)


def test_more_than_a_window_of_milvus_is_stated_decided_and_taken_back(person: Visitor, album: Album) -> None:
    found = matched(person, image_id=1, min_score=0.5)
    assert found["matched"] == NEAR > 16_384
    plan = planned(person, found["token"], out=(7, 8, 201, 202, 203))
    counts = {name: plan[name] for name in ("matched", "plain", "other", "rivals", "yes", "no", "group")}
    assert counts == {
        "matched": 16_995, "plain": 16_847, "other": 98, "rivals": 0, "yes": 0, "no": 50, "group": None
    }  # fmt: skip
    key = uuid4().hex
    started = time.process_time()
    done = decided(person, plan["token"], "plain", "other", key=key)
    assert time.process_time() - started < 6
    assert done.json == {"batch": done.json["batch"], "applied": 16_945, "changed": 0, "repeated": False}
    for _ in ("kept still", "kept no more"):
        again = decided(person, plan["token"], "plain", "other", key=key)
        assert again.json == {**done.json, "repeated": True}
        album.store.delete(f"{kept_matches.FOLDER}/{plan['token']}")
    rows = {row["name"]: row for row in person.get("/api/v1/labels").json["labels"]}
    assert (rows["plane"]["yes"], rows["plane"]["no"]) == (16_945, 50)
    history = person.get("/api/v1/batches?limit=1").json["batches"][0]
    assert (history["id"], history["size"], history["labels"]) == (done.json["batch"], 16_945, ["plane"])
    undone = person.post(f"/api/v1/batches/{done.json['batch']}/undo", json={"key": uuid4().hex})
    assert undone.json["applied"] == 16_945
    rows = {row["name"]: row for row in person.get("/api/v1/labels").json["labels"]}
    assert (rows["plane"]["yes"], rows["plane"]["no"]) == (0, 50)


def test_the_filters_add_up_and_need_no_picture(person: Visitor) -> None:
    assert matched(person, label=["sky"])["matched"] == 100
    assert matched(person, unlabelled=True, keep=False) == {"matched": IMAGES - 100, "token": None}
    assert matched(person, image_id=1, label=["sky"], min_score=0.5, hide_own=True)["matched"] == 99
    assert matched(person, image_id=1, label=["sky"], hide_own=True)["matched"] == 99
    assert matched(person, image_id=IMAGES, unlabelled=True, min_score=0.5)["matched"] == IMAGES - NEAR


def test_what_changed_between_statement_and_decision_is_told(person: Visitor, album: Album) -> None:
    plan = planned(person, matched(person, image_id=IMAGES, min_score=0.5)["token"], "bird")
    somebody = album.decide("wing", [IMAGES, IMAGES - 1])
    delete_images(album.ledger, [IMAGES - 2])
    done = decided(person, plan["token"]).json
    assert (done["applied"], done["changed"]) == (IMAGES - NEAR - 3, 3)
    labels = person.get(f"/api/v1/images/{IMAGES}").json["labels"]
    assert [label["name"] for label in labels] == ["wing"]
    assert somebody


def test_a_few_are_drawn_at_random_of_those_that_are_meant(person: Visitor) -> None:
    token = matched(person, label=["sky"])["token"]
    first, second = ([one["image_id"] for one in planned(person, token)["drawn"]] for _ in range(2))
    assert len(set(first)) == len(set(second)) == 12
    assert set(first) | set(second) <= set(range(1, 101))
    assert first != second, "drawn anew each time: 12 of 100 in their order are never the same twice"
    left = planned(person, token, out=tuple(range(4, 101)))["drawn"]
    assert sorted(one["image_id"] for one in left) == [1, 2, 3]
    assert {one["score"] for one in left} == {None}
    near = planned(person, matched(person, image_id=1, min_score=0.5)["token"])["drawn"]
    assert all(one["score"] >= 0.5 for one in near)


def test_answers_are_what_the_description_says(person: Visitor) -> None:
    found = matched(person, label=["sky"])
    plan = planned(person, found["token"])
    done = decided(person, plan["token"], "other").json
    assert (done["applied"], plan["other"]) == (100, 100)
    for document, model in (
        (found, answers_matches.Match),
        (plan, answers_matches.MatchPlan),
        (done, answers_matches.MatchDecided),
    ):
        assert set(document) == set(model.model_fields)
        model.model_validate(document, strict=True)


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({}, 400, "no_condition"),
        ({"image_id": 1}, 400, "no_condition"),
        ({"min_score": 0.5}, 400, "no_query"),
        ({"image_id": 1, "upload": "a" * 64, "min_score": 0.5}, 400, "invalid_value"),
        ({"image_id": 10**6, "min_score": 0.5}, 404, "unknown_image"),
        ({"upload": "a" * 64, "min_score": 0.5}, 404, "unknown_upload"),
        ({"label": ["nobody"]}, 404, "unknown_label"),
        ({"source": [987]}, 404, "unknown_source"),
        ({"unlabelled": True, "k": 60}, 400, "invalid_value"),
    ],
)
def test_a_wrong_match_is_refused(person: Visitor, values: dict[str, Any], status: int, code: str) -> None:
    answer = person.post("/api/v1/matches", json=values)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_what_is_not_kept_or_not_planned_is_refused(person: Visitor) -> None:
    for path in ("plan", "decisions"):
        body = {"label": "plane"} if path == "plan" else {"key": "k", "decision": "yes", "kinds": ["plain"]}
        gone = person.post(f"/api/v1/matches/{'x' * 22}/{path}", json=body)
        assert (gone.status_code, gone.json["error"]["code"]) == (404, "match_gone")
    token = matched(person, unlabelled=True)["token"]
    unplanned = decided(person, token)
    assert (unplanned.status_code, unplanned.json["error"]["code"]) == (400, "no_plan")
    unnamed = person.post(f"/api/v1/matches/{token}/plan", json={"label": "a\nb"})
    assert (unnamed.status_code, unnamed.json["error"]["code"]) == (400, "invalid_label")
    plan = planned(person, token)["token"]
    for wrong in ({"kinds": ()}, {"kinds": ["all"]}, {"decision": "maybe"}):
        body = {"key": "k", "decision": "yes", "kinds": ["plain"], **wrong}
        assert person.post(f"/api/v1/matches/{plan}/decisions", json=body).status_code == 400
