"""Jobs: from the scan to done, paused, resumed, cancelled and failed; their progress; embedding with a new encoder."""

from __future__ import annotations

import pytest

from catalog.chunks import claim_chunk, heartbeat_chunk, open_work
from catalog.errors import UnknownEncoder, UnknownJob, UnknownSource
from catalog.images import delete_images
from catalog.index_queue import claim_shard, finish_shard
from catalog.jobs import (
    bad_files,
    cancel_job,
    claim_scan,
    complete_jobs,
    create_embed_job,
    create_ingest_job,
    fail_scan,
    heartbeat_scan,
    job_progress,
    list_jobs,
    pause_job,
    resume_job,
    scan_done,
)
from catalog.ledger import Ledger
from tests.catalog.stand_in import (
    BAD,
    ENCODER,
    OTHER_ENCODER,
    claim,
    commit,
    expire,
    image_of,
    ingest,
    scan,
    start,
    with_encoder,
    with_source,
    work,
)


def test_an_unfinished_job_of_the_same_kind_is_found(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    begun = start(any_ledger, source)
    again = create_ingest_job(any_ledger, source_id=source.id, encoder_id=ENCODER, author="li")
    assert again == begun.job_id
    with_encoder(any_ledger, OTHER_ENCODER)
    assert create_ingest_job(any_ledger, source_id=source.id, encoder_id=OTHER_ENCODER, author="li") != again
    cancel_job(any_ledger, again)
    assert create_ingest_job(any_ledger, source_id=source.id, encoder_id=ENCODER, author="li") != again


def test_jobs_need_a_source_and_an_encoder_that_exist(ledger: Ledger) -> None:
    with_encoder(ledger)
    with pytest.raises(UnknownSource):
        create_ingest_job(ledger, source_id=5, encoder_id=ENCODER, author="wei")
    with pytest.raises(UnknownEncoder, match="nobody"):
        create_ingest_job(ledger, source_id=with_source(ledger).id, encoder_id="nobody", author="wei")
    for change in (pause_job, resume_job, cancel_job, job_progress):
        with pytest.raises(UnknownJob, match="7"):
            change(ledger, 7)


def test_progress_counts_every_file_once(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"old": "OLD"})
    folder = {b"old": "OLD", b"same": "OLD", b"a": "A", b"b": "B", b"x": BAD, b"y": BAD}
    job = scan(any_ledger, source, folder, size=2)
    progress = job_progress(any_ledger, job)
    assert (progress.state, progress.scanned, progress.total, progress.done) == ("running", 6, 6, 1)
    assert not progress.searchable
    assert commit(any_ledger, claim(any_ledger), folder) == "committed"
    progress = job_progress(any_ledger, job)
    assert progress.done == 3
    assert progress.images_per_s > 0
    assert progress.seconds_left is not None
    work(any_ledger, folder)
    progress = job_progress(any_ledger, job)
    assert (progress.state, progress.done, progress.total) == ("done", 6, 6)
    assert (progress.embedded, progress.known, progress.bad) == (2, 2, 2)
    assert progress.finished_at is not None
    assert [(one.path, one.kind) for one in bad_files(any_ledger, job, 10, 0)] == [
        (b"x", "truncated"),
        (b"y", "truncated"),
    ]
    assert len(bad_files(any_ledger, job, 1, 1)) == 1
    assert not progress.searchable
    while (shard := claim_shard(any_ledger, worker="i", lease_s=60)) is not None:
        assert finish_shard(any_ledger, shard)
    progress = job_progress(any_ledger, job)
    assert (progress.searchable, progress.indexed) == (True, 2)
    assert list_jobs(any_ledger)[0] == job_progress(any_ledger, job)


def test_nothing_tells_the_time_left_before_a_tenth_is_done(any_ledger: Ledger) -> None:
    folder = {f"{number:02}".encode(): f"IMAGE {number}" for number in range(30)}
    job = scan(any_ledger, with_source(any_ledger), folder, size=2)
    assert commit(any_ledger, claim(any_ledger), folder) == "committed"
    progress = job_progress(any_ledger, job)
    assert (progress.done, progress.seconds_left) == (2, None)
    assert commit(any_ledger, claim(any_ledger), folder) == "committed"
    assert (job_progress(any_ledger, job).seconds_left or 0) > 0


def test_an_empty_source_is_done_at_once(any_ledger: Ledger) -> None:
    job = ingest(any_ledger, with_source(any_ledger), {})
    progress = job_progress(any_ledger, job)
    assert (progress.state, progress.total, progress.searchable) == ("done", 0, True)


def test_a_paused_job_gives_no_work_and_goes_on_where_it_was(any_ledger: Ledger) -> None:
    folder = {b"a": "A", b"b": "B"}
    job = scan(any_ledger, with_source(any_ledger), folder, size=1)
    chunk = claim(any_ledger)
    assert heartbeat_chunk(any_ledger, chunk, lease_s=60) == "go"
    assert pause_job(any_ledger, job)
    assert not pause_job(any_ledger, job)
    assert heartbeat_chunk(any_ledger, chunk, lease_s=60) == "paused"
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is None
    assert open_work(any_ledger).chunks == 0
    assert complete_jobs(any_ledger) == []
    assert resume_job(any_ledger, job)
    assert job_progress(any_ledger, job).state == "running"
    assert commit(any_ledger, chunk, folder) == "committed"
    work(any_ledger, folder)
    assert job_progress(any_ledger, job).state == "done"


def test_a_job_that_was_paused_in_its_scan_scans_again(any_ledger: Ledger) -> None:
    begun = start(any_ledger, with_source(any_ledger))
    pause_job(any_ledger, begun.job_id)
    assert not heartbeat_scan(any_ledger, begun.scan, 60)
    assert claim_scan(any_ledger, worker="w", lease_s=60) is None
    resume_job(any_ledger, begun.job_id)
    assert job_progress(any_ledger, begun.job_id).state == "scanning"
    assert not scan_done(any_ledger, begun.scan), "the old scan does not count"
    again = claim_scan(any_ledger, worker="w", lease_s=60)
    assert again is not None
    assert scan_done(any_ledger, again)


def test_a_cancelled_job_ends_and_what_is_committed_stays(any_ledger: Ledger) -> None:
    folder = {b"a": "A", b"b": "B", b"c": "C"}
    source = with_source(any_ledger)
    job = scan(any_ledger, source, folder, size=1)
    assert commit(any_ledger, claim(any_ledger), folder) == "committed"
    held = claim(any_ledger)
    assert cancel_job(any_ledger, job)
    assert heartbeat_chunk(any_ledger, held, lease_s=60) == "cancelled"
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is None
    assert job_progress(any_ledger, job).state == "cancelled"
    assert not resume_job(any_ledger, job)
    assert job_progress(any_ledger, ingest(any_ledger, source, folder)).known == 1


def test_a_scan_belongs_to_one_worker_until_its_lease_ends(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    with_encoder(any_ledger)
    job = create_ingest_job(any_ledger, source_id=source.id, encoder_id=ENCODER, author="wei")
    assert open_work(any_ledger).scans == 1
    first = claim_scan(any_ledger, worker="a", lease_s=60)
    assert first is not None
    assert claim_scan(any_ledger, worker="b", lease_s=60) is None
    assert claim_scan(any_ledger, worker="b", lease_s=60, job_id=job + 1) is None
    expire(any_ledger)
    assert open_work(any_ledger).scans == 1
    second = claim_scan(any_ledger, worker="b", lease_s=60)
    assert second is not None
    assert second.fence > first.fence
    assert not heartbeat_scan(any_ledger, first, 60)
    assert not fail_scan(any_ledger, first, error="late")
    assert not scan_done(any_ledger, first)
    assert heartbeat_scan(any_ledger, second, 60)
    assert scan_done(any_ledger, second)


def test_a_folder_that_cannot_be_scanned_fails_the_job(any_ledger: Ledger) -> None:
    begun = start(any_ledger, with_source(any_ledger))
    assert fail_scan(any_ledger, begun.scan, error="/photos is not there: mount it")
    progress = job_progress(any_ledger, begun.job_id)
    assert (progress.state, progress.error) == ("failed", "/photos is not there: mount it")


def test_a_new_encoder_embeds_every_image_once(any_ledger: Ledger) -> None:
    folder = {b"a": "A", b"copy": "A", b"b": "B", b"gone": "G"}
    ingest(any_ledger, with_source(any_ledger), folder)
    delete_images(any_ledger, [image_of(any_ledger, "G")])
    with_encoder(any_ledger, OTHER_ENCODER)
    job = create_embed_job(any_ledger, encoder_id=OTHER_ENCODER, author="wei", chunk_files=1)
    assert create_embed_job(any_ledger, encoder_id=OTHER_ENCODER, author="wei") == job
    progress = job_progress(any_ledger, job)
    assert (progress.kind, progress.state, progress.total, progress.source_name) == ("embed", "running", 2, None)
    held = claim(any_ledger)
    assert held.items[0].root == b"/photos"
    assert commit(any_ledger, held, folder) == "committed"
    work(any_ledger, folder)
    progress = job_progress(any_ledger, job)
    assert (progress.state, progress.embedded) == ("done", 2)
    again = job_progress(any_ledger, create_embed_job(any_ledger, encoder_id=OTHER_ENCODER, author="wei"))
    assert (again.total, again.known) == (2, 2)


def test_a_file_that_cannot_be_read_for_a_new_encoder_keeps_its_image(any_ledger: Ledger) -> None:
    from catalog.images import get_images

    ingest(any_ledger, with_source(any_ledger), {b"a": "A"})
    with_encoder(any_ledger, OTHER_ENCODER)
    job = create_embed_job(any_ledger, encoder_id=OTHER_ENCODER, author="wei")
    work(any_ledger, {b"a": BAD})
    a = image_of(any_ledger, "A")
    assert job_progress(any_ledger, job).bad == 1
    assert not get_images(any_ledger, [a])[a].deleted
