"""Maps over the API: asked for, drawn by a worker, shown as points, and photos chosen on them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from catalog import maps
from catalog.maps import MapSpec
from tests.webui.room import Room, Visitor
from tests.webui.test_openapi import pruned
from webui.api import answers_maps

PATIENCE_S = 150  # on a machine that is busy with other tests


@pytest.fixture(scope="module")
def spec(room: Room) -> MapSpec:
    """A map with points that are on no line, without the time that drawing takes."""
    ids = np.array(sorted(room.unlabelled_ids))
    spec = MapSpec(encoder_id=room.encoder.id, dimensions=3, most=777)
    maps.ask(room.store, spec)
    maps.save_points(room.store, spec.id, ids, np.random.default_rng(0).normal(size=(len(ids), 3)).astype(np.float32))
    maps.tell(room.store, spec.id, maps.MapProgress("done", share=1.0, images=len(ids)))
    return spec


def wait(person: Visitor, map_id: str) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = person.get(f"/api/v1/maps/{map_id}").json
        if found["state"] in ("done", "failed"):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.2)


def test_a_map_is_drawn_by_a_worker_of_the_images_that_were_named(person: Visitor, room: Room) -> None:
    asked = person.post("/api/v1/maps", json={"label": ["brick", "sky"], "most": 15})
    assert asked.status_code == 202
    assert asked.json["state"] == "waiting" and not asked.json["ready"]
    done = wait(person, asked.json["id"])
    assert (done["state"], done["error"], done["images"], done["of"]) == ("done", None, 15, 20), "it says of how many"
    assert done["labels"] == ["brick", "sky"] and done["encoder"] == room.encoder.id
    answer = person.get(f"/api/v1/maps/{done['id']}/points")
    points = answers_maps.Points.model_validate_json(answer.data, strict=True)
    assert points.z is None and len(points.image_ids) == len(points.x) == len(points.y) == len(points.of) == 15
    assert {points.labels[places[0]].name for places in points.of} == {"brick", "sky"}
    assert max(map(abs, points.x + points.y)) == 1.0
    assert done["id"] in [one["id"] for one in person.get("/api/v1/maps").json["maps"]]


def test_chosen_photos_are_shown_as_a_search_shows_them(person: Visitor, room: Room, spec: MapSpec) -> None:
    chosen = room.unlabelled_ids[:7]
    answer = person.post(f"/api/v1/maps/{spec.id}/images", json={"image_ids": [*chosen, 987654]})
    shown = answers_maps.Shown.model_validate_json(answer.data, strict=True)
    assert shown.model_dump(exclude_none=True) == pruned(answer.json)
    assert sorted(result.image_id for result in shown.results) == sorted(chosen)
    scores = [result.score for result in shown.results]
    assert scores == sorted(scores, reverse=True) and scores[0] <= 1.0001
    none = person.post(f"/api/v1/maps/{spec.id}/images", json={"image_ids": [987654]})
    assert none.status_code == 200 and none.json["results"] == []


def test_answers_are_what_the_description_says(person: Visitor, spec: MapSpec) -> None:
    for path, model in (
        ("", answers_maps.Maps),
        (f"/{spec.id}", answers_maps.Map),
        (f"/{spec.id}/points", answers_maps.Points),
    ):
        answer = person.get(f"/api/v1/maps{path}")
        assert set(answer.json) == set(model.model_fields)
        assert model.model_validate_json(answer.data, strict=True).model_dump(exclude_none=True) == pruned(answer.json)


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"encoder": "f" * 64}, 404, "unknown_encoder"),
        ({"encoder": "shipped"}, 400, "invalid_value"),
        ({"dimensions": 4}, 400, "invalid_value"),
        ({"most": 10**9}, 400, "invalid_value"),
        ({"label": "no such label"}, 404, "unknown_label"),
        ({"colour": "red"}, 400, "invalid_value"),
    ],
)
def test_what_cannot_be_drawn_is_refused(person: Visitor, wanted: dict[str, Any], status: int, code: str) -> None:
    answer = person.post("/api/v1/maps", json=wanted)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_a_map_that_is_not_there_or_not_drawn_is_told(person: Visitor, room: Room) -> None:
    for path in ("/api/v1/maps/0123456789abcdef", "/api/v1/maps/..%2Fencoders", "/api/v1/maps/nothing/points"):
        assert person.get(path).status_code == 404
    waiting = MapSpec(encoder_id=room.encoder.id, dimensions=3, most=778)
    maps.ask(room.store, waiting)
    answer = person.get(f"/api/v1/maps/{waiting.id}/points")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "map_not_ready")
    assert person.delete(f"/api/v1/maps/{waiting.id}").status_code == 204
    assert person.get(f"/api/v1/maps/{waiting.id}").status_code == 404


def test_without_a_broker_the_page_is_told(brokerless: Visitor) -> None:
    assert brokerless.post("/api/v1/maps", json={"dimensions": 3, "most": 779}).status_code == 503
