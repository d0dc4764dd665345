"""Chunks become shards, thumbnails and ledger rows, each image once, whatever happens to files, leases and disks."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog import embeddings, encoders, images, jobs
from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from ingest import stream
from ingest.channel import Group
from ingest.commit import ChunkOutcome, commit
from ingest.gather import Gathered
from ingest.pool import DecodePool, FileToRead
from ingest.stream import embed_chunks
from tests.ingest.bad_files import (
    REFUSED,
    SOUND,
    noise,
    picture,
    saved,
    turned,
    write_odd_names,
    write_refused,
    write_sound,
)
from tests.ingest.conftest import DIMENSION, ENCODER, SIZE, Library
from tests.ingest.library_checks import check_every_image_once, write_photos


def test_a_folder_becomes_images_with_vectors_and_thumbnails(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos / "a", 70)
    write_photos(library.photos / "b", 30, first=100)
    outcomes = library.ingest(shared_pool, library.add_source(), chunk_files=40)
    assert {outcome.state for outcome in outcomes} == {"committed"}
    assert sum(outcome.embedded for outcome in outcomes) == 100
    assert len(library.rows("image")) == 100
    check_every_image_once(library)
    timings = outcomes[0].timings
    assert set(timings) >= {"read", "hash", "decode", "thumbnail", "embed", "store", "commit", "wait", "wall"}
    job = jobs.list_jobs(library.ledger)[0]
    assert (job.state, job.done, job.embedded, job.bad) == ("done", 100, 100, 0)


def test_again_does_only_what_is_missing(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 20)
    source = library.add_source()
    library.ingest(shared_pool, source)
    library.batches.clear()
    assert library.scan(source).to_do == 0
    assert library.embed_all(shared_pool) == []
    write_photos(library.photos, 5, first=50)
    outcomes = library.ingest(shared_pool, source)
    assert [outcome.embedded for outcome in outcomes] == [5]
    assert library.batches == [5]
    check_every_image_once(library)


def test_every_kind_of_bad_file_is_named_and_the_rest_goes_on(library: Library, shared_pool: DecodePool) -> None:
    write_refused(library.photos, bomb_side=2000)
    write_sound(library.photos)
    odd = write_odd_names(library.photos)
    source = library.add_source()
    library.scan(source)
    (library.photos / "rgba.png").unlink()
    (library.photos / "thin.png").unlink()
    (library.photos / "thin.png").mkdir()
    outcome = library.embed_all(shared_pool)[0]
    expected = {name.encode(): kind for name, kind in REFUSED.items()}
    assert library.bad() == {**expected, b"rgba.png": "vanished", b"thin.png": "not_a_file"}
    assert outcome.bad == len(expected) + 2
    assert outcome.embedded + outcome.known == len(SOUND) - 2 + len(odd)
    check_every_image_once(library)
    job = jobs.list_jobs(library.ledger)[0]
    assert (job.state, job.bad, job.done) == ("done", outcome.bad, outcome.files)


def test_the_same_bytes_twice_are_one_image_with_every_place_and_label(
    library: Library, shared_pool: DecodePool
) -> None:
    write_photos(library.photos / "cat", 3)
    shutil.copytree(library.photos / "cat", library.photos / "pet")
    outcomes = library.ingest(shared_pool, library.add_source(labels=True))
    assert [outcome.embedded for outcome in outcomes] == [6]
    assert library.batches == [3]
    assert len(library.rows("image")) == 3
    for row in library.rows("image"):
        paths = {place.path.split(b"/")[0] for place in images.places_of(library.ledger, int(str(row["id"])))}
        assert paths == {b"cat", b"pet"}
    assert len(library.rows("label_state")) == 6
    check_every_image_once(library)


def test_a_moved_file_keeps_its_image_and_is_not_embedded_again(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos / "old", 4)
    source = library.add_source()
    library.ingest(shared_pool, source)
    before = {row["sha256"]: row["id"] for row in library.rows("image")}
    library.batches.clear()
    (library.photos / "old").rename(library.photos / "new")
    outcomes = library.ingest(shared_pool, source)
    assert [(outcome.embedded, outcome.known) for outcome in outcomes] == [(0, 4)]
    assert library.batches == []
    assert {row["sha256"]: row["id"] for row in library.rows("image") if row["deleted_at"] is None} == before
    check_every_image_once(library)


def test_an_edited_exif_tag_keeps_the_image(library: Library, shared_pool: DecodePool) -> None:
    path = library.photos / "a.jpg"
    path.write_bytes(turned(picture(90, 60), "JPEG", 1))
    source = library.add_source()
    library.ingest(shared_pool, source)
    identity = library.rows("image")[0]["id"]
    exif = Image.Exif()
    exif[0x010E] = "a caption"
    path.write_bytes(saved(picture(90, 60), "JPEG", exif=exif))
    library.ingest(shared_pool, source)
    alive = [row for row in library.rows("image") if row["deleted_at"] is None]
    assert [row["id"] for row in alive] == [identity]
    assert len(library.rows("embedding")) == 1


def test_a_file_that_changed_after_the_scan_counts_as_it_was_read(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 2)
    source = library.add_source()
    library.scan(source)
    path = library.photos / "0000.jpg"
    path.write_bytes(saved(Image.fromarray(noise(50, 50, seed=9)), "PNG"))
    library.embed_all(shared_pool)
    check_every_image_once(library)
    place = next(row for row in library.rows("place") if row["path"] == b"0000.jpg")
    assert (place["size"], place["mtime_ns"]) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert library.scan(source).to_do == 0


def test_files_are_decoded_while_others_are_embedded(
    library: Library, shared_pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network waits in the midst of each batch until a picture that is in none of them yet has been decoded."""
    files = 600
    write_photos(library.photos, files)
    library.scan(library.add_source(), chunk_files=200)
    more = threading.Condition()
    decoded = embedded = 0
    plain = shared_pool.submit

    def count(group: Future[Group]) -> None:
        nonlocal decoded
        with more:
            decoded += len(group.result().results)
            more.notify_all()

    def submit(items: Sequence[FileToRead | bytes]) -> Future[Group]:
        group = plain(items)
        group.add_done_callback(count)
        return group

    def embed(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal embedded
        embedded += len(pictures)
        with more:
            assert more.wait_for(lambda: decoded > embedded or embedded == files, timeout=30)
        return library.embed(pictures)

    monkeypatch.setattr(shared_pool, "submit", submit)
    outcomes = list(embed_chunks(library.ledger, library.store, claim=library.claim, embed=embed, pool=shared_pool))
    assert sum(outcome.embedded for outcome in outcomes) == embedded == decoded == files


def test_a_chunk_is_committed_while_the_next_is_embedded(
    library: Library, shared_pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit but the last waits until the network has a picture of another chunk."""
    files = 300
    write_photos(library.photos, files)
    library.scan(library.add_source(), chunk_files=100)
    more = threading.Condition()
    embedded = committed = 0

    def embed(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal embedded
        with more:
            embedded += len(pictures)
            more.notify_all()
        return library.embed(pictures)

    def late(ledger: Ledger, store: ArtifactStore, gathered: Gathered, *, started: float) -> ChunkOutcome:
        nonlocal committed
        committed += len(gathered.embedded)
        with more:
            assert more.wait_for(lambda: embedded > committed or embedded == files, timeout=30)
        return commit(ledger, store, gathered, started=started)

    monkeypatch.setattr(stream, "commit", late)
    outcomes = list(embed_chunks(library.ledger, library.store, claim=library.claim, embed=embed, pool=shared_pool))
    assert len(outcomes) > 2
    assert {outcome.state for outcome in outcomes} == {"committed"}
    assert sum(outcome.embedded for outcome in outcomes) == files


def test_two_encoders_share_images_and_thumbnails(library: Library, shared_pool: DecodePool) -> None:
    from catalog import encoders

    write_photos(library.photos, 6)
    source = library.add_source()
    library.ingest(shared_pool, source)
    other = "f" * 64
    encoders.register(
        library.ledger,
        id=other,
        name="second",
        dimension=DIMENSION,
        input_size=SIZE,
        folder="encoders/second",
        config={},
        metrics={},
    )
    jobs.create_embed_job(library.ledger, encoder_id=other, author="test")
    outcomes = library.embed_all(shared_pool)
    assert sum(outcome.embedded for outcome in outcomes) == 6
    assert len(library.rows("image")) == 6
    assert embeddings.embedded_count(library.ledger, other) == embeddings.embedded_count(library.ledger, ENCODER) == 6


def test_a_second_encoder_stores_no_thumbnail_again(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 8)
    library.ingest(shared_pool, library.add_source())
    before = list(library.store.list("thumbnails"))
    other = "f" * 64
    encoders.register(
        library.ledger, id=other, name="x", dimension=DIMENSION, input_size=SIZE, folder="f", config={}, metrics={}
    )
    jobs.create_embed_job(library.ledger, encoder_id=other, author="test")
    [outcome] = library.embed_all(shared_pool)
    assert (outcome.state, outcome.embedded) == ("committed", 8)
    assert list(library.store.list("thumbnails")) == before
    assert all(row["thumbnail_pack"] == before[0] for row in library.rows("image"))
