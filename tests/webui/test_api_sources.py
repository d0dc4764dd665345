"""Sources, folders and jobs over the API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.photos import jpeg, scene
from tests.webui.room import Room, Visitor


def test_a_folder_becomes_a_source_and_a_job(person: Visitor, room: Room) -> None:
    folder = room.photos / "new one"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(scene("sky", 5000)))
    answer = person.post("/api/v1/sources", json={"path": str(folder), "name": "mine", "labels_from_folders": True})
    assert answer.status_code == 202, answer.data
    assert answer.json["woken"]
    job = person.get(f"/api/v1/jobs/{answer.json['job']}").json
    assert (job["state"], job["source"], job["source_id"]) == ("scanning", "mine", answer.json["source"])
    again = person.post("/api/v1/sources", json={"path": f"{folder}/../new one/"})
    assert again.json["job"] == answer.json["job"]
    for step, state in (("pause", "paused"), ("resume", "scanning"), ("cancel", "cancelled")):
        changed = person.post(f"/api/v1/jobs/{job['id']}/{step}")
        assert changed.status_code == 200, changed.data
        assert changed.json["state"] == state
    listed = {row["id"]: row for row in person.get("/api/v1/sources").json["sources"]}
    assert listed[answer.json["source"]]["root"] == str(folder)
    deleted = person.delete(f"/api/v1/sources/{answer.json['source']}")
    assert deleted.status_code == 200, deleted.data
    assert answer.json["source"] not in {row["id"] for row in person.get("/api/v1/sources").json["sources"]}


def test_the_job_waits_in_the_ledger_when_nobody_can_be_told(brokerless: Visitor, room: Room) -> None:
    folder = room.photos / "waiting"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"x")
    answer = brokerless.post("/api/v1/sources", json={"path": str(folder)})
    assert answer.status_code == 202, answer.data
    assert not answer.json["woken"]
    assert brokerless.get(f"/api/v1/jobs/{answer.json['job']}").json["state"] == "scanning"
    brokerless.post(f"/api/v1/jobs/{answer.json['job']}/cancel")
    brokerless.delete(f"/api/v1/sources/{answer.json['source']}")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/etc", 403, "outside_allowed_roots"),
        ("{photos}/..", 403, "outside_allowed_roots"),
        ("{photos}/way out", 403, "outside_allowed_roots"),
        ("{photos}/nowhere", 404, "folder_missing"),
        ("{photos}/labelled/sky/00000.jpg", 400, "not_a_folder"),
        ("{photos}/hollow", 400, "folder_empty"),
        ("relative", 400, "not_absolute"),
        ("", 400, "invalid_value"),
        ("{photos}/\0", 400, "invalid_value"),
    ],
)
def test_a_folder_that_cannot_be_ingested_is_named(
    person: Visitor, room: Room, path: str, status: int, code: str
) -> None:
    (room.photos / "hollow" / "deeper").mkdir(parents=True, exist_ok=True)
    if not (room.photos / "way out").is_symlink():
        (room.photos / "way out").symlink_to("/etc")
    before = person.get("/api/v1/sources").json
    answer = person.post("/api/v1/sources", json={"path": path.format(photos=room.photos)})
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.data
    assert person.get("/api/v1/sources").json == before


def test_folders_are_browsed_below_the_roots(person: Visitor, room: Room) -> None:
    roots = person.get("/api/v1/folders").json
    assert [row["path"] for row in roots["folders"]] == [str(room.photos)]
    inside = person.get("/api/v1/folders", query_string={"path": str(room.photos)}).json
    assert inside["parent"] is None
    assert {"labelled", "unlabelled"} <= {row["name"] for row in inside["folders"]}
    deeper = person.get("/api/v1/folders", query_string={"path": str(room.photos / "labelled" / "sky")}).json
    assert deeper["pictures"] == 10
    outside = person.get("/api/v1/folders", query_string={"path": str(room.photos.parent)})
    assert (outside.status_code, outside.json["error"]["code"]) == (403, "outside_allowed_roots")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("path", "code"),
    [("images/987654", "unknown_image"), ("sources/987654", "unknown_source"), ("jobs/987654", "unknown_job")],
)
def test_what_is_not_there_is_named(person: Visitor, method: str, path: str, code: str) -> None:
    answer = person.open(f"/api/v1/{path}", method=method)
    if answer.status_code == 405:
        assert answer.json["error"]["code"] == "method_not_allowed"
        return
    assert (answer.status_code, answer.json["error"]["code"]) == (404, code)
    assert "987654" in answer.json["error"]["message"]


@pytest.mark.parametrize("step", ["pause", "resume", "cancel"])
def test_a_job_that_is_not_there_cannot_be_changed(person: Visitor, step: str) -> None:
    answer = person.post(f"/api/v1/jobs/987654/{step}")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_job")


def test_bad_files_are_listed_with_path_and_reason(person: Visitor, room: Room) -> None:
    rows = person.get(f"/api/v1/jobs/{room.job_with_bad}/bad").json["bad"]
    assert [row["kind"] for row in rows]
    assert rows[0]["path"].endswith('caf\N{REPLACEMENT CHARACTER} "broken".jpg')
    assert person.get("/api/v1/jobs/987654/bad").status_code == 404


def test_deleting_an_image_takes_it_out_of_every_search(person: Visitor, room: Room) -> None:
    image = room.unlabelled_ids[-1]
    assert person.delete(f"/api/v1/images/{image}").json == {"deleted": 1}
    assert person.get(f"/api/v1/images/{image}").status_code == 404
    assert person.delete(f"/api/v1/images/{image}").status_code == 404
    assert person.get(f"/thumbnail/{image}").status_code == 404
    found = person.post("/api/v1/search", json={"image_id": room.unlabelled_ids[0], "k": 1000}).json["results"]
    assert image not in {row["image_id"] for row in found}
    room.images -= 1


def test_names_that_are_not_utf8_travel_as_text(person: Visitor, room: Room) -> None:
    name = os.fsdecode(b'caf\xe9 "quoted"\n.jpg')
    image = person.get(f"/api/v1/images/{room.image_id('unlabelled/' + name)}").json
    assert image["places"][0]["path"].endswith('caf\N{REPLACEMENT CHARACTER} "quoted"\n.jpg')
    assert Path(image["places"][0]["path"]).parent == room.photos / "unlabelled"
