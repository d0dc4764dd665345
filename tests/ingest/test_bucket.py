"""A bucket ingested from a real S3 server: as a folder is, with nothing of it on this machine's disks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from catalog import images, jobs
from catalog.chunks import ClaimedChunk, hand_back
from catalog.sources import Source
from catalog.storage import objects
from catalog.storage.objects import ObjectStores
from catalog.storage.pictures import PictureStorage
from ingest.pool import DecodePool
from ingest.stream import embed_chunks
from ingest.walk import FolderMissingError
from tests.ingest.conftest import Library
from tests.photos import jpeg, scene
from tests.servers.s3 import S3Server

PHOTOS = {f"album/{kind}/{seed}.jpg": jpeg(scene(kind, seed)) for kind in ("sky", "brick") for seed in range(4)}


def noise(side: int) -> bytes:
    """A PNG that is about as large as its pixels."""
    pixels = np.random.default_rng(5).integers(0, 256, size=(side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def storage(s3: S3Server) -> PictureStorage:
    """One for all tests: a client of S3 takes half a second to make."""
    return PictureStorage(objects=ObjectStores(s3_endpoint=s3.url, at_once=4))


@pytest.fixture
def bucket(s3: S3Server, storage: PictureStorage, library: Library) -> str:
    """A bucket's name; the library reads this server."""
    name = f"photos-{uuid4().hex}"
    s3.put(name, PHOTOS)
    library.storage = storage
    return name


@pytest.fixture
def album(bucket: str, library: Library) -> Source:
    return library.add_source(library.storage.root_of(f"s3://{bucket}/album/"))


def states(library: Library) -> dict[str, str]:
    return {row["path"].decode(): str(row["state"]) for row in library.rows("place") if isinstance(row["path"], bytes)}


def test_pictures_are_read_hashed_and_known_again(
    s3: S3Server, bucket: str, library: Library, album: Source, shared_pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PAGE", 3)
    monkeypatch.setattr("ingest.fetching.PIECE", 20_000)  # what is larger goes through a temporary file
    monkeypatch.setattr(objects, "PIECE", 20_000)
    large = noise(120)
    assert len(large) > 40_000
    odd = {
        "album/large.png": large,
        "album/broken.jpg": b"\xff\xd8 not a picture",
        "album/empty.jpg": b"",
        "album/notes.txt": b"x",
        "album/.hidden/a.jpg": b"x",
        "album2/other.jpg": PHOTOS["album/sky/1.jpg"],
        "album//slash %41#.jpg": jpeg(scene("grass", 1)),
    }
    s3.put(bucket, odd)
    outcomes = library.ingest(shared_pool, album, chunk_files=4)
    assert sum(one.embedded for one in outcomes) == len(PHOTOS) + 2
    assert sum(one.bad for one in outcomes) == 2
    assert set(library.bad()) == {b"broken.jpg", b"empty.jpg"}
    for data in (*PHOTOS.values(), large, odd["album//slash %41#.jpg"]):
        found = images.image_by_sha256(library.ledger, hashlib.sha256(data).hexdigest())
        assert found is not None
        assert found.thumbnail is not None
    assert not any("notes" in path or "hidden" in path or "other" in path for path in states(library))

    s3.delete(bucket, "album/broken.jpg", "album/empty.jpg")
    again = library.scan(album)
    assert (again.files, again.to_do) == (len(PHOTOS) + 2, 0), "nothing is fetched again"


def test_only_what_was_written_anew_is_read_again_and_what_was_deleted_goes(
    s3: S3Server, bucket: str, library: Library, album: Source, shared_pool: DecodePool
) -> None:
    library.ingest(shared_pool, album)
    old, other = PHOTOS["album/sky/1.jpg"], jpeg(scene("sky", 99))
    size = max(len(old), len(other))
    s3.put(bucket, {"album/sky/0.jpg": old + bytes(size - len(old))})
    library.ingest(shared_pool, album)
    s3.put(bucket, {"album/sky/0.jpg": other + bytes(size - len(other))})  # as large, and perhaps in the same second
    s3.delete(bucket, "album/brick/3.jpg")
    assert library.scan(album).to_do == 1
    outcomes = library.embed_all(shared_pool)
    assert [(one.files, one.embedded, one.bad) for one in outcomes] == [(1, 1, 0)]
    assert states(library)["brick/3.jpg"] == "gone"


def test_an_object_that_went_away_after_the_scan_is_named(
    s3: S3Server, bucket: str, library: Library, album: Source, shared_pool: DecodePool
) -> None:
    library.scan(album)
    s3.delete(bucket, "album/brick/2.jpg")
    (outcome,) = library.embed_all(shared_pool)
    assert (outcome.embedded, outcome.bad) == (len(PHOTOS) - 1, 1)
    assert library.bad() == {b"brick/2.jpg": "vanished"}


def test_a_busy_server_is_asked_again_and_never_for_more_objects_at_once_than_allowed(
    s3: S3Server, library: Library, album: Source, shared_pool: DecodePool
) -> None:
    with s3.busy(refusals=1, lasts_s=0.05, meeting=4) as traffic:
        outcomes = library.ingest(shared_pool, album)
    assert [(one.embedded, one.bad) for one in outcomes] == [(len(PHOTOS), 0)]
    assert set(traffic.asked.values()) == {2}
    assert traffic.most_at_once == library.storage.objects.at_once == 4


@pytest.mark.parametrize("how", ["emptied", "taken away"])
def test_a_bucket_that_has_vanished_is_an_error_that_names_it_and_forgets_nothing(
    s3: S3Server, bucket: str, library: Library, album: Source, shared_pool: DecodePool, how: str
) -> None:
    library.ingest(shared_pool, album)
    s3.delete(bucket, *PHOTOS) if how == "emptied" else s3.take_away(bucket)
    with pytest.raises(FolderMissingError, match=bucket):
        library.scan(album)
    assert set(states(library).values()) == {"known"}


def test_a_folder_that_is_suddenly_empty_is_taken_for_one_that_is_not_mounted(
    library: Library, shared_pool: DecodePool
) -> None:
    (library.photos / "1.jpg").write_bytes(PHOTOS["album/sky/1.jpg"])
    source = library.add_source()
    library.ingest(shared_pool, source)
    (library.photos / "1.jpg").unlink()
    with pytest.raises(FolderMissingError, match=r"is empty, and 1 pictures of it are known"):
        library.scan(source)
    assert [row["state"] for row in library.rows("place")] == ["known"]


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_source_that_is_lost_in_the_middle_costs_no_file(
    s3: S3Server, bucket: str, library: Library, album: Source, shared_pool: DecodePool, tmp_path: Path, kind: str
) -> None:
    source = album
    if kind == "folder":
        (library.photos / "1.jpg").write_bytes(PHOTOS["album/sky/1.jpg"])
        source = library.add_source()
    library.scan(source)
    asked: list[ClaimedChunk] = []

    def unseen(chunk: ClaimedChunk) -> bool:
        asked.append(chunk)
        return library.storage.unseen(source.root) is not None and hand_back(library.ledger, chunk)

    def claim_once(chunks: list[ClaimedChunk] = [library.must_claim()]) -> ClaimedChunk | None:  # noqa: B006, B008
        return chunks.pop() if chunks else None

    library.photos.rename(tmp_path / "unplugged") if kind == "folder" else s3.take_away(bucket)
    assert embedded(library, shared_pool, claim=claim_once, unseen=unseen) == ["handed_back"]
    assert len(asked) == 1
    assert library.bad() == {}
    (tmp_path / "unplugged").rename(library.photos) if kind == "folder" else s3.put(bucket, PHOTOS)
    (outcome,) = library.embed_all(shared_pool)
    assert (outcome.state, outcome.bad) == ("committed", 0)
    assert [job.state for job in jobs.list_jobs(library.ledger)] == ["done"]


def embedded(
    library: Library,
    pool: DecodePool,
    *,
    claim: Callable[[], ClaimedChunk | None],
    unseen: Callable[[ClaimedChunk], bool],
) -> list[str]:
    return [
        outcome.state
        for outcome in embed_chunks(
            library.ledger,
            library.store,
            claim=claim,
            embed=library.embed,
            pool=pool,
            storage=library.storage,
            unseen=unseen,
        )
    ]
