"""The check of `ruiji bench faults` finds what was altered in shards, index, thumbnails, chunks and what serves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sqlalchemy import text

from bench.under_fire.clients import Switched, Taken
from bench.under_fire.file_check import check_files
from bench.under_fire.findings import Findings
from catalog import encoders
from ingest.pool import DecodePool
from tests.ingest.conftest import DIMENSION, ENCODER, SIZE, Library
from tests.ingest.library_checks import write_photos

OTHER, THIRD = "f" * 64, "a" * 64
PHOTOS = 6
IDS = list(range(1, PHOTOS + 1))


@pytest.fixture
def indexed(library: Library, shared_pool: DecodePool) -> Library:
    """Six photos that were embedded and are searchable, and two encoders beside the one that serves."""
    write_photos(library.photos, PHOTOS)
    library.ingest(shared_pool, library.add_source())
    for other in (OTHER, THIRD):
        options: dict[str, Any] = {"dimension": DIMENSION, "input_size": SIZE, "config": {}, "metrics": {}}
        encoders.register(library.ledger, id=other, name=other[:3], folder=f"encoders/{other[:3]}", **options)
    alter(library, "UPDATE shard SET indexed_at = 1")
    return library


def alter(library: Library, *statements: str) -> None:
    """Change the ledger as nothing of Ruiji's would."""
    with library.ledger.write() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount >= 1, statement


def look(library: Library, *, held: Sequence[int] = IDS, switched: Sequence[Switched] = ()) -> Findings:
    files = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in library.photos.iterdir()}
    home = library.photos.parent / "home"
    return check_files(home, taken=[Taken(1, files, True)], switched=switched, held={ENCODER: held, OTHER: []})


def only(found: Findings, weight: str) -> list[str]:
    """What was found under this weight, where nothing else is there."""
    texts: list[str] = getattr(found, weight)
    assert sorted(found.all()) == sorted(texts), found
    return texts


def shard(library: Library) -> Path:
    [row] = library.rows("shard")
    return library.photos.parent / "home" / "artifacts" / str(row["key"])


def test_what_is_right_is_not_called_wrong(indexed: Library) -> None:
    found = look(indexed, switched=[Switched(ENCODER, answered=True)])
    assert found.all() == []
    assert found.checked == {"files": 6, "vectors": 6, "thumbnails": 6, "index rows": 6, "switches": 1}


def test_a_vector_of_another_length_is_found(indexed: Library) -> None:
    content = load_file(shard(indexed))
    for row in (2.0, np.nan):
        altered = content["vectors"].copy()
        altered[3] *= row
        save_file({**content, "vectors": altered}, shard(indexed))
        assert ["of another length than 1" in one for one in only(look(indexed), "wrong")] == [True]


def test_a_vector_at_a_wrong_row_is_found(indexed: Library) -> None:
    content = load_file(shard(indexed))
    order = np.array([1, 0, 2, 3, 4, 5])
    save_file({name: values[order] for name, values in content.items()}, shard(indexed))
    assert ["is not at row" in one for one in only(look(indexed), "wrong")] == [True, True]


def test_a_shard_that_lacks_a_row_or_is_gone_or_cut_off_is_found(indexed: Library) -> None:
    content, whole = load_file(shard(indexed)), shard(indexed).read_bytes()
    save_file({name: values[:-1] for name, values in content.items()}, shard(indexed))
    assert ["is not at row 5" in one for one in only(look(indexed), "wrong")] == [True]
    shard(indexed).write_bytes(whole[:-7])
    assert len(only(look(indexed), "lost")) == 1
    shard(indexed).unlink()
    assert len(only(look(indexed), "lost")) == 1


def test_an_image_in_two_shards_is_found(indexed: Library) -> None:
    copy = shard(indexed).with_name("copy.safetensors")
    copy.write_bytes(shard(indexed).read_bytes())
    of_chunk = "job_id, encoder_id, state, files, bytes, known, bad, attempts, lease_until, fence"
    of_shard = "encoder_id, rows, sha256, indexed_at, lease_until, fence, created_at"
    key = f"replace(key, '{shard(indexed).stem}', 'copy')"
    alter(
        indexed,
        f"INSERT INTO chunk (embedded, {of_chunk}) SELECT 0, {of_chunk} FROM chunk",
        f"INSERT INTO shard (key, chunk_id, {of_shard}) SELECT {key}, chunk_id + 1, {of_shard} FROM shard",
    )
    assert ["is in 2 shards" in one for one in only(look(indexed), "duplicates")] == [True] * PHOTOS


@pytest.mark.parametrize(
    ("held", "weight", "said"),
    [
        ([1, 2, 3, 5, 6], "lost", f"image 4 is not in the index of {ENCODER}"),
        ([*IDS, 99], "wrong", f"the index of {ENCODER} holds 99, no image of it"),
        ([*IDS, 2], "duplicates", f"2 rows of image 2 in {ENCODER}"),
    ],
)
def test_an_index_with_a_row_less_or_more_or_twice_is_found(
    indexed: Library, held: list[int], weight: str, said: str
) -> None:
    assert only(look(indexed, held=held), weight) == [said]


def test_a_row_of_a_deleted_image_is_found(indexed: Library) -> None:
    alter(indexed, "UPDATE image SET deleted_at = 1 WHERE id = 3")
    assert f"the index of {ENCODER} holds 3, no image of it" in look(indexed).wrong


@pytest.mark.parametrize(
    ("switched", "sound"),
    [
        ([Switched(OTHER, answered=True)], True),
        ([Switched(ENCODER, answered=True)], False),
        ([Switched(OTHER, answered=True), Switched(ENCODER, answered=True)], False),
        ([Switched(ENCODER, answered=True), Switched(OTHER, answered=False)], True),
        ([Switched(OTHER, answered=False), Switched(ENCODER, answered=True)], False),
        ([Switched(ENCODER, answered=True), Switched(THIRD, answered=False)], False),
    ],
)
def test_an_encoder_that_serves_though_another_was_switched_to_is_found(
    indexed: Library, switched: list[Switched], sound: bool
) -> None:
    alter(indexed, f"UPDATE serving SET encoder_id = '{OTHER}'")
    lost = only(look(indexed, switched=switched), "lost")
    assert lost == ([] if sound else [f"{OTHER} serves, and the last switch was to {ENCODER}"])


def test_a_thumbnail_that_is_gone_or_no_jpeg_is_found(indexed: Library) -> None:
    alter(indexed, "UPDATE image SET thumbnail_offset = thumbnail_offset + 3 WHERE id = 2")
    assert ["thumbnail of image 2" in one for one in only(look(indexed), "wrong")] == [True]
    alter(indexed, "UPDATE image SET thumbnail_pack = 'thumbnails/none' WHERE id = 2")
    assert ["image 2 has no thumbnail" in one for one in only(look(indexed), "lost")] == [True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE chunk SET state = 'failed', error = 'why'", "is failed: why"),
        ("UPDATE chunk SET embedded = embedded + 1", "chunks counted 7 vectors"),
    ],
)
def test_a_chunk_that_was_given_up_or_counted_twice_is_found(indexed: Library, change: str, words: str) -> None:
    alter(indexed, change)
    assert [words in one for one in only(look(indexed), "wrong")] == [True]
