"""Lost leases, full disks, pauses, failing encoders and dying decoders: nothing is lost and nothing counts twice."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog import chunks
from catalog.artifacts import ArtifactStore
from catalog.chunks import ClaimedChunk
from ingest.pool import DecodePool
from ingest.stream import StorageFullError, embed_chunk, embed_chunks
from tests.ingest.bad_files import picture, saved
from tests.ingest.conftest import DIMENSION, SIZE, Library
from tests.ingest.library_checks import check_every_image_once, write_photos


def test_a_chunk_that_was_taken_over_counts_once(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 10)
    library.scan(library.add_source())
    slow = library.must_claim("slow", lease_s=-1)
    quick = library.must_claim("quick")
    assert slow.id == quick.id

    def do(chunk: ClaimedChunk) -> str:
        return embed_chunk(
            library.ledger,
            library.store,
            chunk,
            embed=library.embed,
            pool=shared_pool,
            heartbeat=lambda chunk: "go",
        ).state

    assert do(quick) == "committed"
    assert do(slow) == "lost"
    check_every_image_once(library)
    assert len(list(library.store.list("shards"))) == 1
    assert len(list(library.store.list("thumbnails"))) == 1


def test_an_image_that_another_chunk_embedded_meanwhile_is_left_out_of_the_shard(
    library: Library, shared_pool: DecodePool
) -> None:
    """Two chunks with the same bytes, both past the check for known images when the first commits."""
    write_photos(library.photos / "a", 6)
    write_photos(library.photos / "b", 4, first=3)
    library.scan(library.add_source(), chunk_files=6)
    first, second = library.must_claim(), library.must_claim()
    inner: list[str] = []

    def embed(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not inner:
            inner.append("begun")
            outcome = embed_chunk(library.ledger, library.store, second, embed=library.embed, pool=shared_pool)
            inner.append(outcome.state)
        return library.embed(pictures)

    outcome = embed_chunk(library.ledger, library.store, first, embed=embed, pool=shared_pool)
    assert inner == ["begun", "committed"]
    assert outcome.state == "committed"
    assert len(library.rows("image")) == 7
    check_every_image_once(library)
    assert len(list(library.store.list("shards"))) == 2


class FullStore(ArtifactStore):
    """A store on a disk that fills up at the n-th write."""

    def __init__(self, url: Path, *, room_for: int) -> None:
        super().__init__(url)
        self.room_for = room_for

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        if self.room_for == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room_for -= 1
        super().put(key, data)


@pytest.mark.parametrize("room_for", [0, 1, 2, 3])
def test_a_full_disk_hands_the_chunk_back_and_the_job_goes_on_later(
    library: Library, shared_pool: DecodePool, tmp_path: Path, room_for: int
) -> None:
    write_photos(library.photos, 60)
    library.scan(library.add_source(), chunk_files=20)
    full = FullStore(tmp_path / "home" / "artifacts", room_for=room_for)
    with pytest.raises(StorageFullError, match="free some space"):
        list(embed_chunks(library.ledger, full, claim=library.claim, embed=library.embed, pool=shared_pool))
    states = [row["state"] for row in library.rows("chunk")]
    assert "claimed" not in states
    assert states.count("done") == room_for // 2
    assert all(row["attempts"] == 0 for row in library.rows("chunk") if row["state"] == "open")
    library.embed_all(shared_pool)
    assert len(library.rows("image")) == 60
    check_every_image_once(library)


def test_a_full_disk_of_the_real_kind(library: Library, shared_pool: DecodePool, tmp_path: Path) -> None:
    """The store's own error for a write that the system refuses (here: a file where its folder should be)."""
    write_photos(library.photos, 3)
    library.scan(library.add_source())
    blocked = ArtifactStore(tmp_path / "blocked")
    (tmp_path / "blocked").write_bytes(b"")
    with pytest.raises(Exception, match="thumbnails/"):
        list(embed_chunks(library.ledger, blocked, claim=library.claim, embed=library.embed, pool=shared_pool))
    assert [(row["state"], row["attempts"]) for row in library.rows("chunk")] == [("open", 0)]
    assert "thumbnails/" in str(library.rows("job")[0]["error"])
    library.embed_all(shared_pool)
    assert library.rows("job")[0]["error"] is None


@pytest.mark.parametrize("status", ["paused", "cancelled", "lost"])
def test_a_paused_or_cancelled_chunk_is_given_back_soon(library: Library, shared_pool: DecodePool, status: str) -> None:
    write_photos(library.photos, 480)
    library.scan(library.add_source(), chunk_files=480)
    told = threading.Event()

    def heartbeat(chunk: ClaimedChunk) -> str:
        told.set()
        return status

    def embed(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        told.wait(2)
        time.sleep(1 if told.is_set() else 0)  # after that it is soon
        return library.embed(pictures)

    claimed = next(chunk for _ in range(2) if len((chunk := library.must_claim()).items) > 100)
    outcome = embed_chunk(
        library.ledger, library.store, claimed, embed=embed, pool=shared_pool, batch=1, heartbeat=heartbeat
    )
    assert told.is_set()
    assert outcome.state == status
    assert outcome.embedded == 0
    assert len(library.batches) <= 6  # of ten
    row = next(row for row in library.rows("chunk") if row["id"] == claimed.id)
    assert row["state"] == ("claimed" if status == "lost" else "open")
    assert not library.rows("image")


def test_closing_hands_open_chunks_back(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 60)
    library.scan(library.add_source(), chunk_files=10)
    outcomes = embed_chunks(
        library.ledger, library.store, claim=library.claim, embed=library.embed, pool=shared_pool, batch=10
    )
    assert next(outcomes).state == "committed"
    outcomes.close()
    states = [row["state"] for row in library.rows("chunk")]
    assert "claimed" not in states
    assert "open" in states
    library.embed_all(shared_pool)
    check_every_image_once(library)


def test_an_encoder_that_fails_costs_no_chunk_an_attempt(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 40)
    library.scan(library.add_source(), chunk_files=20)

    def broken(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise RuntimeError("the device is gone")

    def attempt(rest_s: float) -> None:
        claim, store = library.claim, library.store
        with pytest.raises(RuntimeError, match="device is gone"):
            list(embed_chunks(library.ledger, store, claim=claim, embed=broken, pool=shared_pool, rest_s=rest_s))

    for _ in range(5):
        attempt(rest_s=0.0)
        assert [(row["state"], row["attempts"]) for row in library.rows("chunk")] == [("open", 0), ("open", 0)]
    attempt(rest_s=60.0)
    other = library.must_claim()
    assert library.claim() is None, "the chunk at which it happened rests"
    assert (other.id, other.attempts) == (2, 1)
    assert library.rows("job")[0]["error"] == "the device is gone"
    assert not library.bad()


def test_vectors_that_do_not_match_the_pictures_are_refused(library: Library, shared_pool: DecodePool) -> None:
    write_photos(library.photos, 4)
    library.scan(library.add_source())
    with pytest.raises(ValueError, match="3 vectors for 4 pictures"):
        embed_chunk(
            library.ledger,
            library.store,
            library.must_claim(),
            embed=lambda pictures: np.ones((3, DIMENSION), np.float32),
            pool=shared_pool,
        )


def test_a_file_that_ends_its_decoder_is_bad_and_the_chunk_is_committed(library: Library, mark: Path) -> None:
    from tests.ingest.test_pool import kill_while_at

    write_photos(library.photos, 5)
    (library.photos / "held.png").write_bytes(saved(picture(), "PNG"))
    library.scan(library.add_source())
    with DecodePool(1, size=SIZE) as pool:
        killer = threading.Thread(target=kill_while_at, args=(pool, b"held.png", 2))
        killer.start()
        outcome = embed_chunk(library.ledger, library.store, library.must_claim(), embed=library.embed, pool=pool)
        killer.join()
    assert (outcome.state, outcome.embedded, outcome.bad) == ("committed", 5, 1)
    assert library.bad() == {b"held.png": "crashed"}


def test_a_second_worker_takes_what_is_left(
    library: Library, shared_pool: DecodePool, make_library: Callable[[], Library]
) -> None:
    write_photos(library.photos, 120)
    library.scan(library.add_source(), chunk_files=15)
    other = make_library()
    found: list[int] = []

    def work(mine: Library) -> None:
        found.extend(outcome.chunk_id for outcome in mine.embed_all(shared_pool) if outcome.state == "committed")

    threads = [threading.Thread(target=work, args=(one,)) for one in (library, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.ledger.close()
    assert sorted(found) == sorted(int(str(row["id"])) for row in library.rows("chunk"))
    assert chunks.open_work(library.ledger).chunks == 0
    check_every_image_once(library)
