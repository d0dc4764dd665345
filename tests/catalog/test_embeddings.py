"""The commit: all or nothing, once, and only under the claim's own fence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog import tables
from catalog.chunks import ClaimedChunk
from catalog.embeddings import (
    Conflict,
    assign_ids,
    commit_chunk,
    embedded_count,
    known_hashes,
    locate,
)
from catalog.errors import ClaimLost
from catalog.images import count_images, delete_images, get_images, image_by_sha256, places_of
from catalog.index_queue import drop_changes, pending_changes
from catalog.jobs import complete_jobs, job_progress
from catalog.labels import states
from catalog.ledger import Ledger
from tests.catalog.stand_in import (
    BAD,
    ENCODER,
    claim,
    commit,
    decoded,
    digest,
    expire,
    image_of,
    ingest,
    read,
    scan,
    shard_of,
    with_source,
    work,
)

FOLDER = {b"a": "A", b"b": "B", b"copy of a": "A", b"x": BAD}


def rows(ledger: Ledger) -> dict[str, int]:
    """How many rows each table has."""
    with ledger.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables.metadata.sorted_tables
        }


def prepared(ledger: Ledger, folder: dict[bytes, str]) -> ClaimedChunk:
    scan(ledger, with_source(ledger), folder)
    return claim(ledger)


def test_a_commit_writes_everything(any_ledger: Ledger) -> None:
    chunk = prepared(any_ledger, FOLDER)
    assert commit(any_ledger, chunk, FOLDER) == "committed"
    a, b = image_of(any_ledger, "A"), image_of(any_ledger, "B")
    assert locate(any_ledger, encoder_id=ENCODER, image_ids=[a, b, 99]) == {
        a: (f"shards/{ENCODER}/{chunk.id}-1-2.safetensors", 0),
        b: (f"shards/{ENCODER}/{chunk.id}-1-2.safetensors", 1),
    }
    assert [place.path for place in places_of(any_ledger, a)] == [b"a", b"copy of a"]
    thumbnail = get_images(any_ledger, [a])[a].thumbnail
    assert thumbnail is not None
    assert thumbnail.pack == f"thumbnails/{chunk.id}-1.pack"
    counts = count_images(any_ledger)
    assert (counts.images, counts.unlabelled, counts.labelled, counts.bad) == (2, 2, 0, 1)
    assert embedded_count(any_ledger, ENCODER) == 2
    assert known_hashes(any_ledger, encoder_id=ENCODER, sha256s=[digest("A"), digest("?")]) == {digest("A"): a}
    assert pending_changes(any_ledger, 10) == [], "the shard brings new images to the index"


def test_images_are_not_there_before_their_commit(any_ledger: Ledger) -> None:
    chunk = prepared(any_ledger, FOLDER)
    files, _ = read(chunk, FOLDER)
    first = assign_ids(any_ledger, chunk, files)
    assert assign_ids(any_ledger, chunk, files) == first
    assert count_images(any_ledger).images == 0
    image = image_by_sha256(any_ledger, digest("A"))
    assert image is not None
    assert image.deleted


def test_a_repeated_commit_writes_nothing_twice(any_ledger: Ledger) -> None:
    source = with_source(any_ledger, labels=True)
    folder = {b"plane/a": "A", b"plane/b": "B", b"x": BAD}
    job = scan(any_ledger, source, folder)
    chunk = claim(any_ledger)
    files, bad = read(chunk, folder)
    ids = assign_ids(any_ledger, chunk, files)

    def once_more() -> object:
        return commit_chunk(
            any_ledger,
            chunk,
            files=files,
            image_ids=ids,
            bad=bad,
            shard=shard_of(chunk, list(ids.values())),
            thumbnail_pack="p",
            timings={},
        )

    assert once_more() == "committed"
    before = rows(any_ledger), job_progress(any_ledger, job)
    assert once_more() == "committed"
    assert (rows(any_ledger), replace(job_progress(any_ledger, job), images_per_s=before[1].images_per_s)) == before


def test_an_old_fence_writes_nothing(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger, labels=True), {b"plane/a": "A", b"x": BAD})
    folder = {b"plane/a": "A", b"x": BAD}
    late = claim(any_ledger)
    files, bad = read(late, folder)
    ids = assign_ids(any_ledger, late, files)
    expire(any_ledger)
    current = claim(any_ledger)
    before = rows(any_ledger)
    arguments: dict[str, Any] = {"files": files, "image_ids": ids, "bad": bad, "thumbnail_pack": "late", "timings": {}}
    shard = shard_of(late, list(ids.values()))
    assert commit_chunk(any_ledger, late, shard=shard, **arguments) == "lost"
    with pytest.raises(ClaimLost):
        assign_ids(any_ledger, late, [decoded(late.items[0].place_id, "never")])
    assert rows(any_ledger) == before
    assert commit(any_ledger, current, folder) == "committed"
    assert commit_chunk(any_ledger, late, shard=shard, **arguments) == "lost"
    assert count_images(any_ledger).images == 1


def test_an_expired_lease_that_nobody_took_still_counts(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), FOLDER)
    chunk = claim(any_ledger)
    expire(any_ledger)
    assert commit(any_ledger, chunk, FOLDER) == "committed"


def test_two_chunks_with_the_same_new_image_make_one_vector(any_ledger: Ledger) -> None:
    folder = {b"1": "A", b"2": "A"}
    scan(any_ledger, with_source(any_ledger), folder, size=1)
    one, two = claim(any_ledger), claim(any_ledger)
    files = {chunk.id: read(chunk, folder)[0] for chunk in (one, two)}
    ids = {chunk.id: assign_ids(any_ledger, chunk, files[chunk.id]) for chunk in (one, two)}
    assert ids[one.id] == ids[two.id]
    image = ids[one.id][digest("A")]

    def attempt(chunk: ClaimedChunk, image_ids: list[int]) -> object:
        return commit_chunk(
            any_ledger,
            chunk,
            files=files[chunk.id],
            image_ids=ids[chunk.id],
            bad=[],
            shard=shard_of(chunk, image_ids),
            thumbnail_pack=None,
            timings={},
        )

    assert attempt(one, [image]) == "committed"
    before = rows(any_ledger)
    assert attempt(two, [image]) == Conflict(frozenset([image]))
    assert rows(any_ledger) == before
    assert attempt(two, []) == "committed"
    assert embedded_count(any_ledger, ENCODER) == 1
    assert len(places_of(any_ledger, image)) == 2


def test_a_shard_with_a_stray_image_is_refused(ledger: Ledger) -> None:
    chunk = prepared(ledger, FOLDER)
    with pytest.raises(ValueError, match="no file has"):
        commit_chunk(
            ledger, chunk, files=[], image_ids={}, bad=[], shard=shard_of(chunk, [1]), thumbnail_pack=None, timings={}
        )


def test_an_image_that_is_deleted_while_a_worker_has_it_stays_deleted(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    a = image_of(any_ledger, "A")
    scan(any_ledger, source, {b"a": "A"}, encoder_id="f" * 64)
    chunk = claim(any_ledger)
    assert delete_images(any_ledger, [a, 99]) == 1
    assert delete_images(any_ledger, [a]) == 0
    assert commit(any_ledger, chunk, {b"a": "A"}) == "committed"
    assert get_images(any_ledger, [a])[a].deleted
    assert embedded_count(any_ledger, "f" * 64) == 0


def test_a_deleted_image_comes_back_with_its_file(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    a = image_of(any_ledger, "A")
    delete_images(any_ledger, [a])
    assert locate(any_ledger, encoder_id=ENCODER, image_ids=[a]) == {}
    assert a in {change.image_id for change in pending_changes(any_ledger, 10)}
    job = ingest(any_ledger, source, {b"a": "A"})
    assert job_progress(any_ledger, job).embedded == 1
    assert not get_images(any_ledger, [a])[a].deleted
    assert image_of(any_ledger, "A") == a


def test_a_new_place_of_a_known_image_is_told_to_the_index(any_ledger: Ledger) -> None:
    ingest(any_ledger, with_source(any_ledger, "/one"), {b"a": "A"})
    a = image_of(any_ledger, "A")
    assert pending_changes(any_ledger, 10) == []
    ingest(any_ledger, with_source(any_ledger, "/two"), {b"a": "A"})
    assert {change.image_id for change in pending_changes(any_ledger, 10)} == {a}
    drop_changes(any_ledger, [change.id for change in pending_changes(any_ledger, 10)])
    ingest(any_ledger, with_source(any_ledger, "/two"), {b"a": "A"})
    assert pending_changes(any_ledger, 10) == []


def test_the_same_bytes_in_two_folders_get_both_labels(any_ledger: Ledger) -> None:
    folder = {b"plane/a": "A", b"bird/a": "A", b"deep/er/truck/t": "T", b"top": "TOP", b"caf\xe9/c": "C"}
    ingest(any_ledger, with_source(any_ledger, labels=True), folder)
    names = {
        content: [one.name for one in states(any_ledger, [image_of(any_ledger, content)]).popitem()[1]]
        for content in ("A", "T", "C")
    }
    assert names == {"A": ["bird", "plane"], "T": ["truck"], "C": ["caf\ufffd"]}
    assert states(any_ledger, [image_of(any_ledger, "TOP")]) == {}


def test_reasons_with_anything_in_them_are_stored(any_ledger: Ledger) -> None:
    from catalog.embeddings import BadPlace
    from catalog.jobs import bad_files

    chunk = prepared(any_ledger, {b"caf\xe9": BAD})
    reason = "cannot open 'caf\udce9'\x00" + "x" * 5000
    bad = [BadPlace(chunk.items[0].place_id, "unreadable", reason)]
    result = commit_chunk(
        any_ledger, chunk, files=[], image_ids={}, bad=bad, shard=None, thumbnail_pack=None, timings={}
    )
    assert result == "committed"
    assert bad_files(any_ledger, chunk.job_id, 1, 0)[0].reason.startswith("cannot open 'caf?'\ufffdxxx")


def test_workers_side_by_side_commit_every_image_once(any_ledger: Ledger) -> None:
    folder = {b"%d" % number: f"content {number % 40}" for number in range(80)}
    job = scan(any_ledger, with_source(any_ledger), folder, size=5)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: work(any_ledger, folder), range(4)))
    complete_jobs(any_ledger)
    assert job_progress(any_ledger, job).state == "done"
    assert count_images(any_ledger).images == embedded_count(any_ledger, ENCODER) == 40
    with any_ledger.read() as connection:
        states_of = connection.execute(select(tables.place.c.state).distinct()).scalars().all()
    assert states_of == ["known"]
