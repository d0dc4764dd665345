"""Buckets over the API: the allowed ones can be looked into and ingested, and nothing else reaches the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog import sources
from catalog.storage.objects import ObjectStores
from catalog.storage.pictures import PictureStorage
from catalog.unreadable import note_unreadable
from catalog.workers import announce, forget
from tests.servers.s3 import S3Server
from tests.webui.room import Room, Visitor, signed_in
from webui.app import create_app
from webui.config import WebConfig

ALLOWED = ("s3://web-photos/album", "s3://web-empty", "s3://web-none", "ftp://not-allowed")


class Counted(ObjectStores):
    """Every store that is asked for."""

    asked = 0

    def _store(self, scheme: str) -> Any:
        Counted.asked += 1
        return super()._store(scheme)


@pytest.fixture(scope="module")
def bucketeer(config: WebConfig, s3: S3Server) -> Iterator[Visitor]:
    """Somebody at the page of a server that may read some buckets."""
    s3.put("web-photos", {"album/1.jpg": b"x", "album/2.JPG": b"x", "album/notes.txt": b"x", "album/deep/3.jpg": b"x"})
    s3.put("web-photos", {"secret/4.jpg": b"x", "album2/5.jpg": b"x"})
    s3.put("web-empty", {})
    storage = PictureStorage(objects=Counted(s3_endpoint=s3.url))
    yield signed_in(create_app(replace(config, allowed_buckets=ALLOWED, storage=storage)))


def test_the_allowed_buckets_are_offered_beside_the_folders(bucketeer: Visitor, room: Room) -> None:
    offered = [row["path"] for row in bucketeer.get("/api/v1/folders").json["folders"]]
    assert offered == [str(room.photos), "s3://web-photos/album", "s3://web-empty", "s3://web-none"]


def test_a_bucket_can_be_looked_into(bucketeer: Visitor) -> None:
    top = bucketeer.get("/api/v1/folders?path=s3://web-photos/album/").json
    assert (top["path"], top["parent"], top["pictures"], top["more"]) == ("s3://web-photos/album", None, 2, False)
    assert [row["path"] for row in top["folders"]] == ["s3://web-photos/album/deep"]
    deep = bucketeer.get("/api/v1/folders?path=s3://web-photos/album/deep").json
    assert (deep["parent"], deep["pictures"], deep["folders"]) == ("s3://web-photos/album", 1, [])


def test_a_bucket_becomes_a_source_and_a_job(bucketeer: Visitor, room: Room) -> None:
    answer = bucketeer.post("/api/v1/sources", json={"path": "s3://web-photos/album/"})
    assert answer.status_code == 202, answer.data
    source = sources.get_source(room.ledger, answer.json["source"])
    assert (source.root, source.name) == (b"s3://web-photos/album", "album")
    again = bucketeer.post("/api/v1/sources", json={"path": "s3://web-photos/album"})
    assert again.json["job"] == answer.json["job"]
    bucketeer.delete(f"/api/v1/sources/{source.id}")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("s3://web-photos", 403, "outside_allowed_buckets"),
        ("s3://web-photos/secret", 403, "outside_allowed_buckets"),
        ("s3://web-photos/album2", 403, "outside_allowed_buckets"),
        ("s3://other", 403, "outside_allowed_buckets"),
        ("s3://web-photos/album/../secret", 400, "bad_path"),
        ("s3://web-photos/album/%2e%2e/../secret", 400, "bad_path"),
        ("ftp://not-allowed", 400, "bad_path"),
        ("file:///etc", 400, "bad_path"),
        ("http://169.254.169.254/latest/meta-data", 400, "bad_path"),
        ("s3://key:hush@web-photos/album", 400, "bad_path"),
        ("simplecache::s3://web-photos/album", 400, "not_absolute"),
    ],
)
def test_anything_else_is_refused_before_a_store_is_asked(
    bucketeer: Visitor, path: str, status: int, code: str
) -> None:
    before = Counted.asked
    answers = (
        bucketeer.post("/api/v1/sources", json={"path": path}),
        bucketeer.get("/api/v1/folders", query_string={"path": path}),
    )
    for answer in answers:
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.data
        assert "hush" not in answer.json["error"]["message"]
    assert Counted.asked == before


@pytest.mark.parametrize("path", ["s3://web-empty", "s3://web-none", "s3://web-photos/album/nothing"])
def test_a_bucket_without_anything_in_it_is_said_to_be_so(bucketeer: Visitor, path: str) -> None:
    answer = bucketeer.post("/api/v1/sources", json={"path": path})
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "bucket_missing"), answer.data
    assert path in answer.json["error"]["message"]


def test_without_a_setting_no_bucket_is_read(person: Visitor) -> None:
    answer = person.post("/api/v1/sources", json={"path": "s3://web-photos/album"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "outside_allowed_buckets")
    assert "none" in answer.json["error"]["message"]


def test_the_status_tells_which_worker_cannot_read_what(person: Visitor, room: Room) -> None:
    source = sources.list_sources(room.ledger)[0].source
    announce(room.ledger, name="embed@far:1", queues="embed", host="far", pid=1, device="cpu")
    note_unreadable(room.ledger, worker="embed@far:1", source_id=source.id, reason="no disk at /mnt: mount it")
    rows = {row["name"]: row["unreadable"] for row in person.get("/api/v1/status").json["workers"]}
    (told,) = rows["embed@far:1"]
    assert (told["source_id"], told["source"], told["reason"]) == (source.id, source.name, "no disk at /mnt: mount it")
    forget(room.ledger, "embed@far:1")
