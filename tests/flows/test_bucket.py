"""From a bucket on an S3 server to a search and its pictures, on the stack that `ruiji up` starts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.photos import KINDS, jpeg, scene
from tests.servers.s3 import S3Server
from tests.stack import Stack

BUCKET, ALBUM = "holidays", "s3://holidays/album"
PHOTOS = {f"album/{kind}/{seed}.jpg": jpeg(scene(kind, seed)) for kind in KINDS for seed in range(4)}


@pytest.fixture(scope="module")
def bucket_stack(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose page may ingest the album."""
    s3.put(BUCKET, {**PHOTOS, "album/broken.jpg": b"\xff\xd8 not a picture", "private/1.jpg": b"x"})
    room = tmp_path_factory.mktemp("bucket")
    given = {**s3.variables, "RUIJI_S3_ENDPOINT": s3.url, "RUIJI_ALLOWED_BUCKETS": json.dumps([ALBUM])}
    stack = Stack(home=room / "home", allowed_root=room, environment=given)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()
        left = stack.wait_gone()
    assert not left, f"ruiji up left processes behind: {left}"


def test_a_bucket_is_ingested_searched_shown_exported_and_reported_when_it_is_gone(
    bucket_stack: Stack, s3: S3Server, tmp_path: Path
) -> None:
    stack = bucket_stack
    done = stack.command("ingest", "--labels-from-folders", f"{ALBUM}/")
    assert done.returncode == 0, done.stderr
    assert f"{len(PHOTOS)} embedded" in done.stdout
    assert "broken.jpg" in done.stdout
    bad = stack.request("GET", "/api/v1/jobs/1/bad").json()["bad"]
    assert [row["path"] for row in bad] == ["broken.jpg"]

    query = PHOTOS["album/sky/2.jpg"]
    first = stack.upload(query).json()["results"][0]
    assert first["own_copy"]
    assert first["path"] == f"{ALBUM}/sky/2.jpg"
    assert [label["name"] for label in first["labels"]] == ["sky"]
    shown = {}
    for what in ("thumbnail", "view"):
        answer = stack.request("GET", f"/{what}/{first['image_id']}")
        assert answer.status == 200, answer.body
        shown[what] = Image.open(io.BytesIO(answer.body)).size
    assert shown == {"thumbnail": (96, 96), "view": (96, 96)}

    again = stack.wait_job(int(stack.post("/api/v1/sources", {"path": ALBUM}).json()["job"]))
    assert (again["known"], again["embedded"], again["bad"]) == (len(PHOTOS), 0, 1)
    refused = stack.post("/api/v1/sources", {"path": "s3://holidays/private"})
    assert (refused.status, refused.json()["error"]["code"]) == (403, "outside_allowed_buckets")

    out = tmp_path / "out"
    exported = stack.command("export", "sky", "--format", "imagefolder", str(out))
    assert exported.returncode == 0, exported.stderr
    assert sorted(path.read_bytes() for path in (out / "sky").iterdir()) == sorted(
        data for key, data in PHOTOS.items() if "/sky/" in key
    )

    secret = s3.variables["AWS_SECRET_ACCESS_KEY"].encode()
    assert not any(secret in path.read_bytes() for path in stack.home.rglob("*") if path.is_file())

    s3.take_away(BUCKET)
    gone = stack.wait_job(int(stack.post("/api/v1/sources", {"path": ALBUM}).json()["job"]))
    assert gone["state"] == "failed"
    assert BUCKET in gone["error"]
    view = stack.request("GET", f"/view/{first['image_id']}")
    assert view.status == 503, view.body
    assert BUCKET in view.json()["error"]["message"]
    assert stack.request("GET", f"/thumbnail/{first['image_id']}").status == 200
    workers = stack.request("GET", "/api/v1/status").json()["workers"]
    assert any(BUCKET in row["reason"] for worker in workers for row in worker["unreadable"])
    assert "reads nothing of album" in stack.command("status").stdout
