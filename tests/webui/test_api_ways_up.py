"""A query that lies on its side or is mirrored: found all the same where any way up was asked for."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from catalog.ways_up import WAYS, WayUp, turned
from tests.webui.room import Room, Visitor
from webui.api import answers

PHOTO = "labelled/sky/00003.jpg"


def png(room: Room, way: WayUp) -> bytes:
    pixels = np.asarray(Image.open(room.photos / PHOTO).convert("RGB"))
    sink = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(turned(pixels, way))).save(sink, "PNG")
    return sink.getvalue()


def search(person: Visitor, picture: bytes, **fields: str) -> answers.SearchAnswer:
    data = {"file": (io.BytesIO(picture), "x.png"), "k": "5", **fields}
    found = person.post("/api/v1/search", data=data, content_type="multipart/form-data")
    assert found.status_code == 200, found.data
    return answers.SearchAnswer.model_validate_json(found.data, strict=True)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.degrees}{'m' if way.mirrored else ''}")
def test_an_indexed_photo_is_found_first_however_it_was_turned(person: Visitor, room: Room, way: WayUp) -> None:
    found = search(person, png(room, way), any_way_up="true")
    assert found.results[0].image_id == room.image_id(PHOTO)
    assert found.results[0].score > 0.99
    assert found.way_up is not None
    pixels = np.asarray(Image.open(room.photos / PHOTO).convert("RGB"))
    back = turned(turned(pixels, way), WayUp(found.way_up.degrees, found.way_up.mirrored))
    assert np.array_equal(back, pixels)
    assert "way_up" in found.took_ms


def test_without_the_option_the_picture_is_searched_by_as_it_came(person: Visitor, room: Room) -> None:
    found = search(person, png(room, WayUp(90, False)))
    assert found.way_up is None
    assert found.results[0].score < 0.99


def test_a_known_image_and_all_that_match_are_asked_any_way_up_too(person: Visitor, room: Room) -> None:
    image = room.image_id(PHOTO)
    found = person.post("/api/v1/search", json={"image_id": image, "k": 40, "any_way_up": True})
    assert found.status_code == 200, found.data
    answer = answers.SearchAnswer.model_validate_json(found.data, strict=True)
    assert (answer.query.image_id, answer.query.upload) == (image, None)
    assert (answer.query.width, answer.query.height) == (96, 96)
    assert answer.way_up == answers.WayUp(degrees=0, mirrored=False)
    assert answer.results[0].own_copy and answer.results[0].image_id == image

    turned_by = search(person, png(room, WayUp(180, False)), any_way_up="true")
    floor = turned_by.results[2].score
    asked = {"upload": turned_by.query.upload, "min_score": floor, "any_way_up": True, "keep": False}
    match = person.post("/api/v1/matches", json=asked)
    assert match.status_code == 201, match.data
    assert match.json["matched"] == sum(hit.score >= floor for hit in turned_by.results)
