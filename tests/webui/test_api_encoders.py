"""Encoders over the API: taken in, filled, compared, promoted, rolled back and given out; searches name theirs."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from bench.other_encoder import different
from catalog.chunks import claim_chunk
from catalog.embedded import locate
from catalog.encoders import promote
from catalog.index_queue import claim_shard
from catalog.indexing import index_one_shard
from catalog.jobs import cancel_job, complete_jobs, list_jobs
from catalog.shards import vectors_of
from encoder.embed import Embedder
from ingest.pool import DecodePool
from ingest.stream import embed_chunk
from tests.photos import KINDS, jpeg, scene
from tests.webui.room import Room, Visitor
from webui.api import answers_encoders


@pytest.fixture(scope="module")
def second(room: Room) -> Iterator[str]:
    """The id of an encoder whose folder lies below the allowed root; at the end the room's own serves again."""
    folder = different(room.photos / "second encoder", "second")
    yield str(json.loads((folder / "config.json").read_text())["id"])
    promote(room.ledger, room.encoder.id)


def work(room: Room) -> None:
    """What the workers do with the chunks and shards that there are."""
    folder = room.photos / "second encoder"
    with closing(DecodePool(1, size=room.encoder.input_size)) as pool:
        embedder = Embedder.load(folder, engine="openvino", threads=1)
        while chunk := claim_chunk(room.ledger, worker="test", lease_s=60, encoder_ids=[embedder.info.id]):
            assert embed_chunk(room.ledger, room.store, chunk, embed=embedder.embed, pool=pool).state == "committed"
    while shard := claim_shard(room.ledger, worker="test", lease_s=60):
        index_one_shard(room.ledger, room.store, room.index, shard)
    complete_jobs(room.ledger)


def rows(person: Visitor) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in person.get("/api/v1/encoders").json["encoders"]}


def test_what_is_no_encoder_is_refused_with_the_reason(person: Visitor, room: Room) -> None:
    empty = room.photos / "no encoder"
    empty.mkdir()
    for path, status, code, named in (
        ("/etc", 403, "outside_allowed_roots", "RUIJI_ALLOWED_ROOTS changes that, in the environment"),
        (str(room.photos / "nowhere"), 404, "folder_missing", "nowhere"),
        (str(empty), 422, "encoder_refused", "config.json"),
        ("", 400, "invalid_value", "path"),
    ):
        answer = person.post("/api/v1/encoders", json={"path": path})
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.json
        assert named in answer.json["error"]["message"] or named in json.dumps(answer.json)
    (empty / "x.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    answer = person.post("/api/v1/encoders", json={"path": str(empty / "x.zip")})
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "encoder_refused")
    assert rows(person).keys() == {room.encoder.id}


def test_no_way_back_before_the_first_switch(person: Visitor) -> None:
    answer = person.post("/api/v1/encoders/rollback")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "nothing_before")


def test_an_encoder_is_taken_in_and_serves_nothing_yet(person: Visitor, room: Room, second: str) -> None:
    answer = person.post("/api/v1/encoders", json={"path": str(room.photos / "second encoder")})
    assert answer.status_code == 201, answer.data
    row = answers_encoders.EncoderRow.model_validate_json(answer.data, strict=True)
    assert (row.id, row.name, row.serving, row.previous, row.job) == (second, "second", False, False, None)
    assert (row.embedded, row.indexed) == (0, 0) and row.images >= room.images
    assert row.bytes == (room.photos / "second encoder" / "model.safetensors").stat().st_size
    assert rows(person)[room.encoder.id]["serving"]


def test_one_that_does_not_find_every_image_is_refused(person: Visitor, room: Room, second: str) -> None:
    answer = person.post(f"/api/v1/encoders/{second}/promote", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "not_ready")
    assert "have no vector of second yet" in answer.json["error"]["message"]
    unknown = person.post(f"/api/v1/encoders/{'0' * 64}/promote", json={})
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "unknown_encoder")
    assert rows(person)[room.encoder.id]["serving"]


def test_it_is_filled_by_a_job_whose_progress_shows(person: Visitor, room: Room, second: str) -> None:
    answer = person.post(f"/api/v1/encoders/{second}/fill")
    assert answer.status_code == 202, answer.data
    job = rows(person)[second]["job"]
    assert isinstance(job, dict)
    assert (job["id"], job["state"], job["done"], job["encoder"]) == (answer.json["job"], "running", 0, second)
    assert person.post(f"/api/v1/encoders/{second}/fill").json["job"] == job["id"]
    work(room)
    row = rows(person)[second]
    assert (row["job"], row["indexed"]) == (None, row["images"])
    assert person.post(f"/api/v1/encoders/{second}/fill").json["job"] is None


def test_both_are_asked_the_same_question(person: Visitor, room: Room, second: str) -> None:
    pair = {"first": room.encoder.id, "second": second, "k": 8}
    image = room.image_id("labelled/sky/00003.jpg")
    found = person.post("/api/v1/encoders/compare", json={**pair, "image_id": image})
    assert found.status_code == 200, found.data
    answer = answers_encoders.SidesAnswer.model_validate_json(found.data, strict=True)
    assert [side.encoder for side in answer.sides] == [room.encoder.id, second]
    ids = [[hit.image_id for hit in side.results if not hit.own_copy] for side in answer.sides]
    assert answer.overlap == round(len({*ids[0][:8]} & {*ids[1][:8]}) / 8, 4)
    alone = person.post("/api/v1/search", json={"image_id": image, "k": 9}).json["results"]
    assert [hit["image_id"] for hit in alone] == [hit.image_id for hit in answer.sides[0].results]
    scores = [[hit.score for hit in side.results][1:] for side in answer.sides]
    assert scores[0] != scores[1]

    picture = jpeg(scene("brick", 77))
    upload = {**{key: str(value) for key, value in pair.items()}, "file": (io.BytesIO(picture), "x.jpg")}
    dropped = person.post("/api/v1/encoders/compare", data=upload, content_type="multipart/form-data")
    assert dropped.status_code == 200, dropped.data
    again = person.post("/api/v1/encoders/compare", json={**pair, "upload": dropped.json["query"]["upload"]})
    assert again.json == dropped.json
    sampled = person.post("/api/v1/encoders/compare", json={**pair, "sample": "brick.jpg"})
    assert sampled.status_code == 200, sampled.data


def test_a_wrong_question_to_both_is_refused(person: Visitor, room: Room, second: str) -> None:
    pair = {"first": room.encoder.id, "second": second}
    for body, status, code in (
        (pair, 400, "no_query"),
        ({**pair, "image_id": 1, "sample": "brick.jpg"}, 400, "invalid_value"),
        ({**pair, "image_id": 987654}, 404, "unknown_image"),
        ({**pair, "upload": "0" * 64}, 404, "unknown_upload"),
        ({**pair, "sample": "../ledger.db"}, 404, "unknown_sample"),
        ({"first": "0" * 64, "second": second, "image_id": 1}, 404, "unknown_encoder"),
        ({"first": "x", "second": second, "image_id": 1}, 400, "invalid_value"),
    ):
        answer = person.post("/api/v1/encoders/compare", json=body)
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.json


def by_hand(room: Room, encoder_id: str, *, k: int) -> float:
    """Of the k nearest labelled photos of each, the share in the same folder; every folder counts the same."""
    kinds = sorted(path.name for path in (room.photos / "labelled").iterdir())
    shown = [(kind, path) for kind in kinds for path in sorted((room.photos / "labelled" / kind).glob("*.jpg"))]
    ids = {room.image_id(f"labelled/{kind}/{path.name}"): kind for kind, path in shown}
    vectors = vectors_of(room.store, locate(room.ledger, encoder_id=encoder_id, image_ids=ids))
    shares: dict[str, list[float]] = {kind: [] for kind in kinds}
    for one, kind in ids.items():
        near = sorted((other for other in ids if other != one), key=lambda other: -float(vectors[one] @ vectors[other]))
        shares[kind].append(sum(ids[other] == kind for other in near[:k]) / k)
    return float(np.mean([np.mean(some) for some in shares.values()]))


def test_the_figures_tell_the_encoders_apart(person: Visitor, room: Room, second: str) -> None:
    address = f"/api/v1/encoders/compare?first={room.encoder.id}&second={second}&k=5&queries=40"
    found = answers_encoders.EncoderFigures.model_validate_json(person.get(address).data, strict=True)
    assert found.queries == 40 and found.overlap is not None and 0 < found.overlap < 1
    assert {row.label for row in found.by_label} == {"sky", "grass", "brick"}
    assert found.labelled == room.labelled
    assert (found.first, found.second) == pytest.approx(
        tuple(by_hand(room, one, k=5) for one in (room.encoder.id, second))
    )
    assert len(found.questions) == 12
    # Of a label drawn by lot each encoder's neighbours have a share of its own.
    drawn = [room.image_id(f"labelled/{kind}/{seed:05d}.jpg") for kind in KINDS for seed in range(0, 10, 3)]
    body = {"key": "by lot", "label": "by lot", "decision": "yes", "image_ids": drawn}
    batch = person.post("/api/v1/labels/decisions", json=body).json["batch"]
    (by_lot,) = (row for row in person.get(address).json["by_label"] if row["label"] == "by lot")
    assert 0 < by_lot["first"] != by_lot["second"] > 0
    assert person.post(f"/api/v1/batches/{batch}/undo", json={"key": "no lot"}).status_code == 200
    same = f"/api/v1/encoders/compare?first={second}&second={second}&k=5&queries=40"
    assert person.get(same).json["overlap"] == 1.0


def until_searches_name(person: Visitor, encoder: str) -> None:
    """A query worker takes a second to load an encoder, and until then answers in the name of the one before."""
    until = time.monotonic() + 120
    data = jpeg(scene("sky", 4711))
    while True:
        form = {"file": (io.BytesIO(data), "x.jpg"), "k": "5"}
        answer = person.post("/api/v1/search", data=form, content_type="multipart/form-data")
        assert answer.status_code == 200, answer.data
        if answer.json["encoder"] == encoder:
            return
        assert time.monotonic() < until, "the query worker never took the other encoder up"
        time.sleep(0.1)


def test_a_promotion_and_the_way_back(person: Visitor, room: Room, second: str) -> None:
    for job in list_jobs(room.ledger):  # of other tests, whose images no worker will ever embed
        cancel_job(room.ledger, job.id)
    answer = person.post(f"/api/v1/encoders/{second}/promote", json={})
    assert answer.status_code == 200, answer.data
    done = answers_encoders.Switched.model_validate_json(answer.data, strict=True)
    assert (done.serving, done.before, done.lack, done.job) == (second, room.encoder.id, 0, None)
    assert rows(person)[room.encoder.id]["previous"] and rows(person)[second]["serving"]
    image = room.image_id("labelled/sky/00003.jpg")
    assert person.post("/api/v1/search", json={"image_id": image}).json["encoder"] == second
    until_searches_name(person, second)

    back = person.post("/api/v1/encoders/rollback")
    assert back.status_code == 200, back.data
    assert (back.json["serving"], back.json["before"], back.json["lack"]) == (room.encoder.id, second, 0)
    assert person.post("/api/v1/search", json={"image_id": image}).json["encoder"] == room.encoder.id
    until_searches_name(person, room.encoder.id)


def test_rows_that_the_index_has_lost_hold_a_promotion_back(person: Visitor, room: Room, second: str) -> None:
    collection = f"ruiji_{second[:16]}"
    lost = room.image_id("labelled/sky/00003.jpg")
    room.index.delete(collection, [lost])
    answer = person.post(f"/api/v1/encoders/{second}/promote", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "index_lacks"), answer.json
    assert "ruiji doctor --repair" in answer.json["error"]["message"]
    assert rows(person)[room.encoder.id]["serving"]


def test_an_encoder_is_given_out_as_a_zip_without_a_pickle(visitor: Visitor, room: Room) -> None:
    answer = visitor.get(f"/api/v1/encoders/{room.encoder.id}/archive")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert room.encoder.id[:12] in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert packed.testzip() is None
        names = {name.rpartition("/")[2] for name in packed.namelist()}
    assert names == {"model.safetensors", "model.onnx", "config.json", "metrics.json", "README.md"}
    assert visitor.get(f"/api/v1/encoders/{'0' * 64}/archive").status_code == 404
