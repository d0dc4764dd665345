"""Search over the API: an upload, an image, a sample; filters, suggestions, and every way to ask wrongly."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest

from tests.photos import jpeg, scene
from tests.webui.room import Room, Visitor


def upload(person: Visitor, picture: bytes, **fields: Any) -> Any:
    data = {"file": (io.BytesIO(picture), "query.jpg"), **fields}
    answer = person.post("/api/v1/search", data=data, content_type="multipart/form-data")
    assert answer.status_code == 200, answer.data
    return answer.json


def test_an_upload_brings_the_nearest_first_with_labels_and_paths(person: Visitor, room: Room) -> None:
    found = upload(person, jpeg(scene("grass", 900)), k="12")
    assert len(found["results"]) == 12
    scores = [result["score"] for result in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert found["encoder"] == room.encoder.id
    assert (found["query"]["width"], found["query"]["height"], found["query"]["image_id"]) == (96, 96, None)
    assert found["took_ms"]["total"] > 0
    first = found["results"][0]
    assert first["path"].startswith(str(room.photos))
    assert first["source"]
    assert first["thumbnail"].startswith(f"/thumbnail/{first['image_id']}?v=")
    assert not any(result["own_copy"] for result in found["results"])
    assert not found["exhausted"]


def test_the_upload_can_be_searched_again_by_its_hash(person: Visitor) -> None:
    picture = jpeg(scene("sky", 901))
    first = upload(person, picture)
    assert first["query"]["upload"] == hashlib.sha256(picture).hexdigest()
    again = person.post("/api/v1/search", json={"upload": first["query"]["upload"], "k": 60}).json
    assert again["results"] == first["results"]


def test_an_upload_that_a_power_failure_cut_short_is_kept_anew(person: Visitor, room: Room) -> None:
    picture = jpeg(scene("sky", 902))
    first = upload(person, picture)
    kept = room.store.local_path(f"uploads/{first['query']['upload']}")
    assert kept is not None
    kept.write_bytes(picture[:100])
    assert upload(person, picture)["results"] == first["results"]
    assert kept.read_bytes() == picture


def test_the_querys_own_copy_is_marked(person: Visitor, room: Room) -> None:
    path = room.photos / "labelled" / "sky" / "00003.jpg"
    first = upload(person, path.read_bytes())["results"][0]
    assert first["own_copy"]
    assert first["path"] == str(path)
    assert first["score"] > 0.99
    assert [label["name"] for label in first["labels"]] == ["sky"]
    assert first["labels"][0] == {**first["labels"][0], "state": "yes", "origin": "folder"}


def test_an_image_is_searched_without_a_worker(deserted: Visitor, room: Room) -> None:
    found = deserted.post("/api/v1/search", json={"image_id": room.image_id("labelled/brick/00002.jpg"), "k": 5})
    assert found.status_code == 200, found.data
    assert found.json["results"][0]["own_copy"]
    assert found.json["query"]["image_id"] == found.json["results"][0]["image_id"]
    assert found.json["query"]["upload"] is None


def test_a_sample_is_searched_by_its_name(person: Visitor) -> None:
    offered = person.get("/api/v1/samples").json["samples"]
    assert [sample["name"] for sample in offered] == ["brick.jpg", "sky #1.jpg"]
    found = person.post("/api/v1/search", json={"sample": "sky #1.jpg"}).json
    assert found["query"]["upload"] == offered[1]["sha256"]
    with person.get(offered[1]["url"]) as shown:
        assert shown.status_code == 200
        assert shown.mimetype == "image/jpeg"
        assert hashlib.sha256(shown.data).hexdigest() == offered[1]["sha256"]


def test_filters_hold_for_every_result(person: Visitor, room: Room) -> None:
    picture = jpeg(scene("sky", 902))
    every = upload(person, picture, k="100")
    assert len(every["results"]) == room.images
    assert every["exhausted"]
    unlabelled = upload(person, picture, k="100", unlabelled="true")["results"]
    assert len(unlabelled) == room.images - room.labelled
    assert not any(result["labels"] for result in unlabelled)
    two = upload(person, picture, k="100", label=["sky", "brick"])["results"]
    assert {label["name"] for result in two for label in result["labels"]} == {"sky", "brick"}
    assert len(two) == 20
    source = next(row for row in person.get("/api/v1/sources").json["sources"] if row["name"] == "labelled")
    one = upload(person, picture, k="100", source=str(source["id"]))["results"]
    assert len(one) == 30
    assert {result["source"] for result in one} == {"labelled"}
    limit = every["results"][20]["score"]
    near = upload(person, picture, k="100", min_score=str(limit))["results"]
    assert 0 < len(near) <= 22
    assert all(result["score"] >= limit - 0.0001 for result in near)


def test_filters_in_json_may_be_one_or_several(person: Visitor, room: Room) -> None:
    image = room.image_id("labelled/sky/00000.jpg")
    one = person.post("/api/v1/search", json={"image_id": image, "label": "sky", "k": 100}).json
    several = person.post("/api/v1/search", json={"image_id": image, "label": ["sky"], "k": 100}).json
    assert one["results"] == several["results"]
    assert len(one["results"]) == 10


def test_unlabelled_results_carry_suggestions_and_labelled_ones_none(person: Visitor) -> None:
    results = upload(person, jpeg(scene("brick", 903)), k="100", suggest="true")["results"]
    for result in results:
        assert (result["suggestion"] is None) == bool(result["labels"])
    suggestion = next(result["suggestion"] for result in results if result["suggestion"])
    assert suggestion["name"] in {"sky", "grass", "brick"}
    assert suggestion["colour"].startswith("#")
    assert 0 < suggestion["share"] <= 1
    assert not any(result["suggestion"] for result in upload(person, jpeg(scene("brick", 903)), k="100")["results"])


def test_five_thousand_results_are_asked_for_in_one_go(person: Visitor, room: Room) -> None:
    assert len(upload(person, jpeg(scene("sky", 904)), k="5000")["results"]) == room.images


SHA = "0" * 64


@pytest.mark.parametrize(
    ("body", "status", "code", "named"),
    [
        ({}, 400, "no_query", "file"),
        ({"k": 0, "image_id": 1}, 400, "invalid_value", "k:"),
        ({"k": 5001, "image_id": 1}, 400, "invalid_value", "k:"),
        ({"k": "many", "image_id": 1}, 400, "invalid_value", "k:"),
        ({"k": 5.5, "image_id": 1}, 400, "invalid_value", "k:"),
        ({"image_id": 0}, 400, "invalid_value", "image_id"),
        ({"image_id": 2**63}, 400, "invalid_value", "image_id"),
        ({"image_id": "1"}, 400, "invalid_value", "image_id"),
        ({"image_id": True}, 400, "invalid_value", "image_id"),
        ({"image_id": 1, "upload": SHA}, 400, "invalid_value", "upload"),
        ({"image_id": 987654}, 404, "unknown_image", "987654"),
        ({"upload": SHA}, 404, "unknown_upload", "upload it again"),
        ({"upload": "../../ledger.db"}, 400, "invalid_value", "upload"),
        ({"sample": "../../ledger.db"}, 404, "unknown_sample", "ledger.db"),
        ({"image_id": 1, "label": "no such label"}, 404, "unknown_label", "no such label"),
        ({"image_id": 1, "label": ["sky", "'] or 1=1"]}, 404, "unknown_label", "'] or 1=1"),
        ({"image_id": 1, "source": 424242}, 404, "unknown_source", "424242"),
        ({"image_id": 1, "source": "1 or 1"}, 400, "invalid_value", "source"),
        ({"image_id": 1, "min_score": "NaN"}, 400, "invalid_value", "min_score"),
        ({"image_id": 1, "unlabelled": "perhaps"}, 400, "invalid_value", "unlabelled"),
        ({"image_id": 1, "limit": 5}, 400, "invalid_value", "limit"),
        ({"image_id": 1, "label": "\ud800"}, 400, "invalid_value", "label"),
    ],
)
def test_a_wrong_question_gets_a_clear_answer(
    person: Visitor, body: dict[str, Any], status: int, code: str, named: str
) -> None:
    answer = person.post("/api/v1/search", data=json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.json
    assert named in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_json"),
        (b"", "application/json", 400, "bad_json"),
        (b"[1, 2]", "application/json", 400, "bad_json"),
        (b"[" * 100_000, "application/json", 400, "bad_json"),
        (b'{"k":' + b"1" * 5000 + b"}", "application/json", 400, "bad_json"),
        (b"\xff\xfe", "application/json", 400, "bad_json"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "not_json"),
        (b"\xff\xd8\xff", "image/jpeg", 415, "not_json"),
        (b"nonsense", "multipart/form-data; boundary=x", 400, "no_query"),
        (b"nonsense", "multipart/form-data", 400, "no_query"),
    ],
)
def test_a_body_that_is_no_document_is_refused(person: Visitor, body: bytes, kind: str, status: int, code: str) -> None:
    answer = person.post("/api/v1/search", data=body, content_type=kind)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.data


@pytest.mark.parametrize("k", ["0", "5001", "-1", "ten"])
def test_k_out_of_range_is_refused_in_a_form_too(person: Visitor, k: str) -> None:
    data = {"file": (io.BytesIO(b"x"), "x.jpg"), "k": k}
    answer = person.post("/api/v1/search", data=data, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_value")


@pytest.mark.parametrize("picture", [b"", b"GIF89a and then nonsense", b"<svg/>", jpeg(scene("sky", 1))[:300]])
def test_what_is_not_a_picture_is_refused_with_the_reason(person: Visitor, picture: bytes) -> None:
    data = {"file": (io.BytesIO(picture), "holiday.jpg")}
    answer = person.post("/api/v1/search", data=data, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "query_failed")
    assert answer.json["error"]["kind"]
    assert len(answer.json["error"]["message"]) > 20


def test_the_answer_holds_no_more_than_a_page_needs(person: Visitor, room: Room) -> None:
    answer = person.post("/api/v1/search", json={"image_id": room.image_id("labelled/sky/00000.jpg"), "k": 60})
    assert len(answer.data) / len(answer.json["results"]) < 450
    assert b": " not in answer.data.split(b'"results"')[1][:200]
