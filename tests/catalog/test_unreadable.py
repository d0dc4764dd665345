"""Workers that cannot read a source: what they leave to others, and what its jobs say when nobody can."""

from __future__ import annotations

from catalog.chunks import claim_chunk, hand_back
from catalog.jobs import claim_scan, create_embed_job, create_ingest_job, hand_scan_back, job_progress
from catalog.ledger import Ledger
from catalog.recovery import release_all
from catalog.unreadable import forget_unreadable, left_to_others, list_unreadable, note_unreadable, tell_jobs
from catalog.workers import announce, forget, forget_silent
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, ingest, scan, with_encoder, with_source

ALIVE = 60.0


def workers(ledger: Ledger, *names: str, queue: str = "embed") -> None:
    for number, name in enumerate(names):
        announce(ledger, name=name, queues=queue, host=f"host of {name}", pid=number, device="cpu")


def test_a_chunk_goes_to_a_worker_that_can_read_all_of_its_sources(any_ledger: Ledger) -> None:
    here, there = with_source(any_ledger, "/here"), with_source(any_ledger, "/there")
    scan(any_ledger, here, {b"a": "a"})
    scan(any_ledger, there, {b"b": "b"})
    blind = claim_chunk(any_ledger, worker="w", lease_s=60, without_sources={here.id})
    assert blind is not None
    assert [item.path for item in blind.items] == [b"b"]
    assert claim_chunk(any_ledger, worker="w", lease_s=60, without_sources={here.id}) is None
    seeing = claim_chunk(any_ledger, worker="v", lease_s=60, without_sources={there.id})
    assert seeing is not None
    assert [item.path for item in seeing.items] == [b"a"]


def test_so_does_a_chunk_of_a_job_over_all_sources(any_ledger: Ledger) -> None:
    here, there = with_source(any_ledger, "/here"), with_source(any_ledger, "/there")
    ingest(any_ledger, here, {b"a": "a"})
    ingest(any_ledger, there, {b"b": "b"})
    with_encoder(any_ledger, OTHER_ENCODER)
    create_embed_job(any_ledger, encoder_id=OTHER_ENCODER, author="wei", chunk_files=1)
    found = claim_chunk(any_ledger, worker="w", lease_s=60, without_sources={here.id})
    assert found is not None
    assert [item.path for item in found.items] == [b"b"]
    assert claim_chunk(any_ledger, worker="w", lease_s=60, without_sources={here.id}) is None
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is not None


def test_a_scan_that_is_handed_back_is_another_workers_at_once(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    with_encoder(any_ledger)
    create_ingest_job(any_ledger, source_id=source.id, encoder_id=ENCODER, author="wei")
    first = claim_scan(any_ledger, worker="blind", lease_s=60)
    assert first is not None
    assert hand_scan_back(any_ledger, first)
    assert claim_scan(any_ledger, worker="blind", lease_s=60, without_sources={source.id}) is None
    second = claim_scan(any_ledger, worker="seeing", lease_s=60)
    assert second is not None
    assert not hand_scan_back(any_ledger, first), "its fence is past"


def test_what_a_worker_cannot_read_is_known_as_long_as_it_lives(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    workers(any_ledger, "a", "b")
    for _ in range(2):
        note_unreadable(any_ledger, worker="a", source_id=source.id, reason="no disk at /mnt\0")
    (row,) = list_unreadable(any_ledger, alive_within_s=ALIVE)
    assert (row.worker, row.host, row.source, row.reason) == ("a", "host of a", source.name, "no disk at /mnt\ufffd")
    forget_unreadable(any_ledger, worker="a", source_id=source.id)
    assert list_unreadable(any_ledger, alive_within_s=ALIVE) == []
    for end in (lambda: forget(any_ledger, "a"), lambda: forget_silent(any_ledger, after_s=-1.0)):
        note_unreadable(any_ledger, worker="a", source_id=source.id, reason="no disk")
        end()
        workers(any_ledger, "a")
        assert list_unreadable(any_ledger, alive_within_s=ALIVE) == []
    note_unreadable(any_ledger, worker="a", source_id=source.id, reason="no disk")
    release_all(any_ledger, count_attempt=False)
    workers(any_ledger, "a")
    assert list_unreadable(any_ledger, alive_within_s=ALIVE) == []


def test_it_is_left_to_others_as_long_as_one_may_read_it(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    workers(any_ledger, "a", "b")
    workers(any_ledger, "q", queue="query")

    def left(worker: str) -> frozenset[int]:
        return left_to_others(any_ledger, worker=worker, source_ids={source.id}, alive_within_s=ALIVE)

    assert left("a") == {source.id}
    note_unreadable(any_ledger, worker="a", source_id=source.id, reason="no disk")
    assert left("a") == {source.id}
    note_unreadable(any_ledger, worker="b", source_id=source.id, reason="no disk")
    assert left("a") == left("b") == frozenset(), "a query worker embeds nothing"
    assert left_to_others(any_ledger, worker="a", source_ids=(), alive_within_s=ALIVE) == frozenset()


def test_jobs_say_why_they_wait_only_when_nobody_can_read_their_source(any_ledger: Ledger) -> None:
    here, there = with_source(any_ledger, "/here"), with_source(any_ledger, "/there")
    ingest(any_ledger, here, {b"a": "a"})
    waiting, other = scan(any_ledger, here, {b"a": "a", b"b": "b"}), scan(any_ledger, there, {b"c": "c"})
    with_encoder(any_ledger, OTHER_ENCODER)
    everything = create_embed_job(any_ledger, encoder_id=OTHER_ENCODER, author="wei")
    workers(any_ledger, "a", "b")
    note_unreadable(any_ledger, worker="a", source_id=here.id, reason="no disk at /mnt/a")
    assert tell_jobs(any_ledger, alive_within_s=ALIVE) == 0
    note_unreadable(any_ledger, worker="b", source_id=here.id, reason="no disk at /mnt/b")
    assert tell_jobs(any_ledger, alive_within_s=ALIVE) == 2
    assert tell_jobs(any_ledger, alive_within_s=ALIVE) == 0, "said once"
    for job_id in (waiting, everything):
        job = job_progress(any_ledger, job_id)
        assert job.state == "running"
        for words in ("no machine", "host of a: no disk at /mnt/a", "host of b: no disk at /mnt/b"):
            assert words in str(job.error)
    assert job_progress(any_ledger, other).error is None


def test_handing_back_costs_a_chunk_nothing_however_often(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    job = scan(any_ledger, source, {b"a": "a"})
    for _ in range(10):
        chunk = claim_chunk(any_ledger, worker="blind", lease_s=60)
        assert chunk is not None
        assert chunk.attempts == 1
        assert hand_back(any_ledger, chunk, error="host: no disk")
    assert job_progress(any_ledger, job).bad == 0
