"""A scan writes every picture file down once and cuts chunks by files and bytes; it may run again and be stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog import jobs, places, rests
from catalog.errors import ClaimLost, LedgerBusy
from catalog.ledger import Ledger
from catalog.places import FoundFile, PlaceToDo
from ingest.cutter import ChunkCutter
from ingest.files import read_file
from ingest.scan import FolderMissingError, scan_source
from ingest.walk import FolderFile, WalkTally
from tests.ingest.bad_files import write_odd_names
from tests.ingest.conftest import Library


def write_files(folder: Path, count: int, *, size: int = 10) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:04d}.jpg").write_bytes(bytes([number % 256]) * size)


def chunk_files(library: Library) -> list[int]:
    return [int(str(row["files"])) for row in library.rows("chunk")]


def test_every_file_is_in_one_chunk(library: Library) -> None:
    write_files(library.photos / "a", 150)
    write_files(library.photos / "b", 30)
    (library.photos / "notes.txt").write_text("ignored")
    woken: list[int] = []
    library.start(library.add_source())
    claim = jobs.claim_scan(library.ledger, worker="scanner", lease_s=60)
    assert claim is not None
    outcome = scan_source(library.ledger, claim, chunk_files=50, on_chunks=woken.append)
    assert (outcome.state, outcome.files, outcome.to_do, outcome.ignored) == ("done", 180, 180, 1)
    assert outcome.chunks == len(chunk_files(library)) == sum(woken)
    assert max(chunk_files(library)) <= 50
    assert sum(chunk_files(library)) == 180
    held = [row["place_id"] for row in library.rows("chunk_place")]
    assert sorted(map(str, held)) == sorted(str(row["id"]) for row in library.rows("place"))
    progress = jobs.job_progress(library.ledger, claim.job_id)
    assert (progress.state, progress.scanned, progress.total) == ("running", 180, 180)


def test_chunks_are_capped_by_bytes(library: Library) -> None:
    write_files(library.photos, 6, size=600_000)
    (library.photos / "9999.jpg").write_bytes(bytes(3_000_000))
    library.scan(library.add_source(), chunk_files=100, chunk_mb=1)
    assert chunk_files(library) == [1] * 7
    assert all(int(str(row["bytes"])) == int(str(row["files"])) * 600_000 for row in library.rows("chunk")[:6])


def test_names_that_are_not_utf8_or_hold_quotes_and_newlines(library: Library) -> None:
    names = write_odd_names(library.photos)
    library.scan(library.add_source())
    assert {row["path"] for row in library.rows("place")} == set(names)


def test_an_empty_folder_is_done_at_once(library: Library) -> None:
    outcome = library.scan(library.add_source())
    assert (outcome.state, outcome.files, outcome.chunks) == ("done", 0, 0)
    jobs.complete_jobs(library.ledger)
    assert [job.state for job in jobs.list_jobs(library.ledger)] == ["done"]


def test_a_folder_that_is_not_there_is_named_and_nothing_is_forgotten(library: Library, tmp_path: Path) -> None:
    write_files(library.photos, 3)
    source = library.add_source()
    library.scan(source)
    for job in jobs.list_jobs(library.ledger):
        jobs.cancel_job(library.ledger, job.id)
    library.photos.rename(tmp_path / "moved away")
    with pytest.raises(FolderMissingError, match="photos"):
        library.scan(source)
    assert [row["state"] for row in library.rows("place")] == ["new"] * 3


def test_a_file_that_went_away_is_gone_after_the_next_scan(library: Library) -> None:
    write_files(library.photos, 3)
    source = library.add_source()
    library.scan(source)
    for job in jobs.list_jobs(library.ledger):
        jobs.cancel_job(library.ledger, job.id)
    (library.photos / "0001.jpg").unlink()
    assert library.scan(source).files == 2
    assert {row["path"]: row["state"] for row in library.rows("place")} == {
        b"0000.jpg": "new",
        b"0001.jpg": "gone",
        b"0002.jpg": "new",
    }


def test_a_folder_that_cannot_be_listed_keeps_its_pictures_and_no_others(library: Library) -> None:
    write_files(library.photos / "sub", 2)
    source = library.add_source()
    library.scan(source)
    for job in jobs.list_jobs(library.ledger):
        jobs.cancel_job(library.ledger, job.id)
    (library.photos / "sub" / "0001.jpg").unlink()
    handle = os.open(library.photos, os.O_RDONLY)
    for _ in range(20):  # a path longer than the system takes: not even root can list it
        os.mkdir("n" * 250, dir_fd=handle)
        below = os.open("n" * 250, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    outcome = library.scan(source)
    assert outcome.state == "incomplete"
    assert outcome.unreadable[0][1] == "File name too long"
    assert list(library.bad().values()) == ["unreadable"]
    assert jobs.list_jobs(library.ledger)[0].bad == 1, "what the list holds is counted, or nobody opens it"
    assert [row["state"] for row in library.rows("place")] == ["new", "gone"]


def test_what_only_has_a_pictures_name_is_reported_with_its_reason(library: Library) -> None:
    os.mkfifo(library.photos / "pipe.jpg")
    (library.photos / "loop.jpg").symlink_to("loop.jpg")
    (library.photos / "outside.jpg").symlink_to("/etc/passwd")
    (library.photos / "folder.jpg").mkdir()
    (library.photos / "notes.txt").symlink_to("nowhere")
    outcome = library.scan(library.add_source())
    assert (outcome.state, outcome.files) == ("done", 0)
    assert library.bad() == {b"pipe.jpg": "not_a_file", b"loop.jpg": "dangling", b"outside.jpg": "outside"}
    assert all(row["reason"] for row in library.rows("bad_file"))
    assert jobs.list_jobs(library.ledger)[0].bad == 3


def test_what_lies_in_a_folder_that_cannot_be_listed_stays(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "sub", "sub/deep", "sub2"):
        write_files(library.photos / name, 1)
    source = library.add_source()
    library.scan(source)
    for job in jobs.list_jobs(library.ledger):
        jobs.cancel_job(library.ledger, job.id)

    def walk_nothing(root: bytes, tally: WalkTally, *, tick: Callable[[], None]) -> list[FolderFile]:
        tally.unreadable.append((b"sub", "Permission denied"))
        return []

    monkeypatch.setattr("ingest.scan.walk", walk_nothing)
    assert library.scan(source).state == "incomplete"
    assert {row["path"]: row["state"] for row in library.rows("place")} == {
        b"a/0000.jpg": "gone",
        b"sub/0000.jpg": "new",
        b"sub/deep/0000.jpg": "new",
        b"sub2/0000.jpg": "gone",
    }


def test_what_a_broken_off_scan_saw_may_be_gone_when_it_begins_again(library: Library) -> None:
    write_files(library.photos, 3)
    job = library.start(library.add_source())
    first = jobs.claim_scan(library.ledger, worker="scanner", lease_s=60)
    assert first is not None
    files = [FoundFile(path=b"%04d.jpg" % number, size=10, mtime_ns=1) for number in range(3)]
    places.record_files(library.ledger, job_id=job, source_id=first.source.id, files=files, fence=first.fence)
    jobs.pause_job(library.ledger, job)
    (library.photos / "0001.jpg").unlink()
    jobs.resume_job(library.ledger, job)
    again = jobs.claim_scan(library.ledger, worker="scanner", lease_s=60)
    assert again is not None
    assert scan_source(library.ledger, again).state == "done"
    assert [row["state"] for row in library.rows("place")] == ["new", "gone", "new"]


def test_a_time_beyond_the_ledgers_is_cut_short_and_alike_when_the_file_is_read(library: Library) -> None:
    write_files(library.photos, 1)
    path = library.photos / "0000.jpg"
    os.utime(path, ns=(0, 13_569_465_600 * 10**9))  # the year 2400
    assert library.scan(library.add_source()).state == "done"
    (row,) = library.rows("place")
    assert row["mtime_ns"] == 2**63 - 1
    assert read_file(os.fsencode(path), root=os.fsencode(library.photos), max_bytes=100).mtime_ns == row["mtime_ns"]


def test_a_scan_that_always_breaks_off_fails_the_job_and_says_why(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = library.start(library.add_source())
    write_files(library.photos, 1)

    def refuse(*_: object, **__: object) -> None:
        raise OverflowError("a number is too large")

    monkeypatch.setattr(places, "record_files", refuse)
    monkeypatch.setattr(rests, "SCAN_S", -1.0)
    for attempt in range(jobs.MAX_SCAN_FAILURES):
        assert jobs.job_progress(library.ledger, job).state == "scanning"
        claim = jobs.claim_scan(library.ledger, worker=str(attempt), lease_s=60)
        assert claim is not None
        with pytest.raises(OverflowError):
            scan_source(library.ledger, claim)
        assert "a number is too large" in str(jobs.job_progress(library.ledger, job).error)
    progress = jobs.job_progress(library.ledger, job)
    assert (progress.state, jobs.claim_scan(library.ledger, worker="w", lease_s=60)) == ("failed", None)
    assert "4 attempts" in str(progress.error)


def test_a_busy_ledger_does_not_count_as_a_failure_of_the_scan(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = library.start(library.add_source())
    write_files(library.photos, 1)
    monkeypatch.setattr(rests, "SCAN_S", -1.0)
    record = places.record_files

    def refuse(*_: object, **__: object) -> None:
        raise LedgerBusy("somebody writes")

    monkeypatch.setattr(places, "record_files", refuse)
    for _ in range(jobs.MAX_SCAN_FAILURES + 1):
        claim = jobs.claim_scan(library.ledger, worker="w", lease_s=60)
        assert claim is not None
        with pytest.raises(LedgerBusy):
            scan_source(library.ledger, claim)
    monkeypatch.setattr(places, "record_files", record)
    claim = jobs.claim_scan(library.ledger, worker="w", lease_s=60)
    assert claim is not None
    assert scan_source(library.ledger, claim).state == "done"
    assert jobs.job_progress(library.ledger, job).state == "running"


def test_folders_without_pictures_do_not_cost_the_scan_its_lease(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (library.photos / f"{number}").mkdir()
        (library.photos / f"{number}" / "notes.txt").write_text("no picture")
    library.start(library.add_source())
    claim = jobs.claim_scan(library.ledger, worker="w", lease_s=60)
    assert claim is not None
    beats: list[float] = []
    renew = jobs.heartbeat_scan

    def heartbeat(ledger: Ledger, claim: jobs.ScanClaim, lease_s: float) -> bool:
        beats.append(lease_s)
        return renew(ledger, claim, 60)

    monkeypatch.setattr(jobs, "heartbeat_scan", heartbeat)
    assert scan_source(library.ledger, claim, lease_s=0.0).state == "done"
    assert len(beats) >= 40


def test_a_scan_that_was_taken_over_adds_no_chunks(library: Library) -> None:
    write_files(library.photos, 2)
    job = library.start(library.add_source())
    first = jobs.claim_scan(library.ledger, worker="slow", lease_s=-1)
    assert first is not None
    files = [FoundFile(path=b"%04d.jpg" % number, size=10, mtime_ns=1) for number in range(2)]
    todo = places.record_files(library.ledger, job_id=job, source_id=first.source.id, files=files, fence=first.fence)
    second = jobs.claim_scan(library.ledger, worker="quick", lease_s=60)
    assert second is not None
    cutter = ChunkCutter(library.ledger, first, chunk_files=10, chunk_bytes=1 << 20, on_chunks=None)
    with pytest.raises(ClaimLost):
        cutter.add(todo)
    assert library.rows("chunk") == []
    assert scan_source(library.ledger, second).state == "done"
    assert jobs.job_progress(library.ledger, job).total == 2


def test_a_cancelled_scan_stops_and_adds_no_more(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(library.photos, 300)
    job = library.start(library.add_source())
    claim = jobs.claim_scan(library.ledger, worker="scanner", lease_s=60)
    assert claim is not None
    recorded: list[int] = []
    record = places.record_files

    def record_and_cancel(
        ledger: Ledger, *, job_id: int, source_id: int, files: list[FoundFile], fence: int
    ) -> list[PlaceToDo]:
        recorded.append(len(files))
        to_do = record(ledger, job_id=job_id, source_id=source_id, files=files, fence=fence)
        jobs.cancel_job(library.ledger, job)
        return to_do

    monkeypatch.setattr(places, "record_files", record_and_cancel)
    outcome = scan_source(library.ledger, claim, lease_s=0.0)
    assert outcome.state == "lost"
    assert len(recorded) == 1


def test_a_scan_that_was_taken_over_does_not_end_the_job(library: Library) -> None:
    write_files(library.photos, 5)
    job = library.start(library.add_source())
    first = jobs.claim_scan(library.ledger, worker="slow", lease_s=-1)
    assert first is not None
    second = jobs.claim_scan(library.ledger, worker="quick", lease_s=60)
    assert second is not None
    assert scan_source(library.ledger, first).state == "lost"
    assert jobs.job_progress(library.ledger, job).state == "scanning"
    assert scan_source(library.ledger, second).state == "done"
    assert jobs.job_progress(library.ledger, job).state == "running"
