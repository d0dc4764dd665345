"""Objects listed and read: on an S3 server, and in another kind of store that fsspec knows."""

from __future__ import annotations

from uuid import uuid4

import fsspec
import pytest

from catalog.storage import objects
from catalog.storage.address import Bucket
from catalog.storage.errors import StoreError
from catalog.storage.objects import ObjectStores
from catalog.storage.pictures import PictureStorage
from tests.servers.ports import free_port
from tests.servers.s3 import S3Server

KEYS = {f"album/{name}": name.encode() for name in ("1.jpg", "2 #ü.jpg", "deep/er/3.jpg", "/slash.jpg", "a//b.jpg")}


@pytest.fixture(scope="module")
def store(s3: S3Server) -> ObjectStores:
    """What reads the server; a client takes half a second to make."""
    return ObjectStores(s3_endpoint=s3.url)


@pytest.fixture(params=["s3", "memory"])
def storage(request: pytest.FixtureRequest) -> PictureStorage:
    """A storage with `bucket` in it, of each kind."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        server.put("kinds", {**KEYS, "album/folder/": b"", "albums/other.jpg": b"x", "other.jpg": b"x"})
        return PictureStorage(objects=request.getfixturevalue("store"))
    files = fsspec.filesystem("memory")
    for key, data in {"album/1.jpg": b"1.jpg", "album/deep/er/3.jpg": b"3", "albums/other.jpg": b"x"}.items():
        files.pipe(f"/kinds/{key}", data)
    return PictureStorage(objects=ObjectStores(schemes=["memory"]))


@pytest.fixture
def album(storage: PictureStorage) -> Bucket:
    """The part of it that is a source."""
    (scheme,) = storage.objects.schemes
    return Bucket(scheme, "kinds", "album")


def test_what_lies_below_a_prefix_is_listed_with_its_size(
    storage: PictureStorage, album: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PAGE", 2)  # several pages
    found = {one.path.decode(): one.size for one in storage.objects.listed(album)}
    assert {"1.jpg": 5, "deep/er/3.jpg": found["deep/er/3.jpg"]}.items() <= found.items()
    assert not any("other" in path or path.endswith("folder/") for path in found)
    if album.scheme == "s3":
        assert found == {key.removeprefix("album/"): len(data) for key, data in KEYS.items()}
        for key, data in KEYS.items():
            assert b"".join(storage.blocks(f"s3://kinds/{key}".encode(), max_bytes=100)) == data


def test_folders_can_be_looked_into(storage: PictureStorage, album: Bucket) -> None:
    below, here, more = storage.objects.folders(album)
    assert "deep" in below
    assert "1.jpg" in here
    assert not more


def test_nothing_below_a_prefix_is_told_as_such(storage: PictureStorage, album: Bucket) -> None:
    nothing = Bucket(album.scheme, "kinds", "albu")
    assert "albu" in str(storage.objects.trouble(nothing))
    assert storage.objects.trouble(album) is None
    with pytest.raises(StoreError) as missing:
        list(storage.blocks(album.root + b"/none.jpg", max_bytes=10))
    assert missing.value.kind == "missing"


def test_objects_come_in_pieces_and_not_more_than_allowed(
    s3: S3Server, store: ObjectStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PIECE", 1000)
    bucket = f"pieces-{uuid4().hex}"
    sizes = (0, 1, 999, 1000, 1001, 3000)
    s3.put(bucket, {f"{size}": bytes(size) for size in sizes})
    for size in sizes:
        found = list(store.pieces(f"s3://{bucket}/{size}".encode(), max_bytes=3000))
        assert sum(map(len, found)) == size
        assert all(0 < len(piece) <= 1000 for piece in found)
    with pytest.raises(StoreError) as refused:
        list(store.pieces(f"s3://{bucket}/3000".encode(), max_bytes=2999))
    assert refused.value.kind == "too_large"


def test_a_bucket_that_is_not_there_and_a_server_that_does_not_answer_are_told_apart(store: ObjectStores) -> None:
    gone = store.trouble(Bucket("s3", "no-such-bucket-anywhere"))
    assert gone is not None
    assert gone.kind == "missing"
    assert "no-such-bucket-anywhere" in str(gone)
    silent = ObjectStores(s3_endpoint=f"http://127.0.0.1:{free_port()}").trouble(Bucket("s3", "photos"))
    assert silent is not None
    assert silent.kind == "unreachable"


def test_an_object_written_anew_in_the_same_second_and_size_has_another_version(
    s3: S3Server, store: ObjectStores
) -> None:
    bucket = f"versions-{uuid4().hex}"
    versions = set()
    for data in (b"one", b"two", b"one"):
        s3.put(bucket, {"a": data})
        versions |= {(one.size, one.version % 10**9) for one in store.listed(Bucket("s3", bucket))}
    assert len(versions) == 2
