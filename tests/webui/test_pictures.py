"""Thumbnails and views: by id only, cached by this browser alone, never a file as it was found."""

from __future__ import annotations

import io

from PIL import Image

from tests.webui.room import Room, Visitor


def test_a_thumbnail_is_kept_for_good_by_this_browser(person: Visitor, room: Room) -> None:
    image = room.image_id("labelled/sky/00004.jpg")
    answer = person.get(person.get(f"/api/v1/images/{image}").json["thumbnail"])
    assert answer.status_code == 200
    assert answer.mimetype == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.data)).size) <= 256
    assert answer.headers["Cache-Control"].startswith("private, max-age=31536000")
    assert "immutable" in answer.headers["Cache-Control"]
    again = person.get(f"/thumbnail/{image}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "Set-Cookie" not in answer.headers


def test_only_an_address_of_this_installation_is_kept_unasked(person: Visitor, room: Room) -> None:
    image = room.image_id("labelled/sky/00004.jpg")
    for address in (f"/thumbnail/{image}", f"/thumbnail/{image}?v=another", f"/view/{image}"):
        answer = person.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-cache", address
        assert answer.headers["ETag"]
    kept = person.get(person.get(f"/api/v1/images/{image}").json["view"])
    assert "immutable" in kept.headers["Cache-Control"]


def test_a_view_is_made_anew(person: Visitor, room: Room) -> None:
    path = room.photos / "labelled" / "sky" / "00004.jpg"
    answer = person.get(f"/view/{room.image_id('labelled/sky/00004.jpg')}")
    assert answer.status_code == 200
    assert answer.mimetype in ("image/jpeg", "image/webp")
    assert answer.data != path.read_bytes()
    assert Image.open(io.BytesIO(answer.data)).size == (96, 96)


def test_an_upload_is_shown_anew_as_long_as_it_is_kept(person: Visitor, room: Room) -> None:
    picture = (room.photos / "labelled" / "sky" / "00005.jpg").read_bytes()
    data = {"file": (io.BytesIO(picture), "x.jpg")}
    found = person.post("/api/v1/search", data=data, content_type="multipart/form-data").json
    answer = person.get(f"/view/upload/{found['query']['upload']}?side=320")
    assert answer.status_code == 200
    assert answer.data != picture
    assert person.get(f"/view/upload/{'0' * 64}").json["error"]["code"] == "unknown_upload"
    assert person.get("/view/upload/..%2F..%2Fledger.db").status_code == 404


def test_what_is_not_there_is_not_shown(person: Visitor) -> None:
    for path in ("/thumbnail/987654", "/view/987654", "/samples/nothing.jpg", "/samples/..%2Fsecret.jpg"):
        answer = person.get(path)
        assert answer.status_code == 404, path
        assert answer.mimetype == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
