"""Claims: each chunk to one worker, under a fence, and not for ever."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import select

from catalog import tables
from catalog.chunks import claim_chunk, hand_back, heartbeat_chunk, open_work
from catalog.images import count_images
from catalog.jobs import bad_files, complete_jobs, job_progress
from catalog.ledger import Ledger
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, claim, commit, expire, scan, start, with_source, work

CLAIM_ALL = """
import sys
from catalog.chunks import claim_chunk
from catalog.ledger import Ledger
ledger = Ledger.open(sys.argv[1])
sys.stdin.readline()
while (chunk := claim_chunk(ledger, worker=sys.argv[2], lease_s=60)) is not None:
    print(chunk.id)
"""


def folder_of(count: int) -> dict[bytes, str]:
    return {b"%d" % number: f"content {number}" for number in range(count)}


def test_a_claim_holds_the_files_and_all_that_a_worker_needs(any_ledger: Ledger) -> None:
    source = with_source(any_ledger, labels=True)
    scan(any_ledger, source, {b"a": "A", b"sub/b": "BB"})
    chunk = claim(any_ledger)
    assert (chunk.encoder_id, chunk.fence, chunk.attempts) == (ENCODER, 1, 1)
    assert (chunk.source_root, chunk.labels_from_folders) == (b"/photos", True)
    assert [(item.path, item.size, item.root) for item in chunk.items] == [
        (b"a", 1, b"/photos"),
        (b"sub/b", 2, b"/photos"),
    ]


def test_the_oldest_open_chunk_comes_first_and_each_once(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(3), size=1)
    assert open_work(any_ledger).chunks == 3
    ids = [claim(any_ledger).id for _ in range(3)]
    assert ids == sorted(set(ids))
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is None
    assert open_work(any_ledger).chunks == 0


def test_a_worker_gets_only_what_its_encoders_can_do(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(1))
    assert claim_chunk(any_ledger, worker="w", lease_s=60, encoder_ids=[OTHER_ENCODER]) is None
    assert claim_chunk(any_ledger, worker="w", lease_s=60, encoder_ids=[]) is None
    assert claim_chunk(any_ledger, worker="w", lease_s=60, encoder_ids=[OTHER_ENCODER, ENCODER]) is not None


def test_a_silent_workers_chunk_goes_to_another_and_the_first_one_is_refused(any_ledger: Ledger) -> None:
    folder = folder_of(2)
    scan(any_ledger, with_source(any_ledger), folder)
    first = claim(any_ledger)
    expire(any_ledger)
    assert open_work(any_ledger).chunks == 1
    second = claim(any_ledger)
    assert (second.id, second.fence, second.attempts) == (first.id, first.fence + 1, 2)
    assert heartbeat_chunk(any_ledger, first, lease_s=60) == "lost"
    assert not hand_back(any_ledger, first)
    assert heartbeat_chunk(any_ledger, second, lease_s=60) == "go"
    assert commit(any_ledger, second, folder) == "committed"


def test_a_heartbeat_prolongs_the_lease(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(1))
    chunk = claim(any_ledger)
    expire(any_ledger)
    assert heartbeat_chunk(any_ledger, chunk, lease_s=60) == "go"
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is None


def test_a_heartbeat_leaves_a_lease_alone_that_is_young(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(1))
    chunk = claim(any_ledger)

    def until() -> float:
        with any_ledger.read() as connection:
            return float(connection.execute(select(tables.chunk.c.lease_until)).scalar_one())

    before = until()
    assert heartbeat_chunk(any_ledger, chunk, lease_s=60) == "go"
    assert until() == before, "nothing was written"
    assert heartbeat_chunk(any_ledger, chunk, lease_s=120) == "go"
    assert until() > before + 50


def test_a_chunk_that_rested_waits_behind_those_that_did_not(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(3), size=1)
    first = claim(any_ledger)
    assert hand_back(any_ledger, first, rest_s=0.001)
    time.sleep(0.01)
    claimed = [claim(any_ledger).id for _ in range(3)]
    assert claimed[-1] == first.id
    assert claimed == [*sorted(claimed[:2]), first.id]


def test_a_chunk_that_is_handed_back_does_not_count_the_attempt(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(1))
    for _ in range(10):
        chunk = claim(any_ledger)
        assert chunk.attempts == 1
        assert hand_back(any_ledger, chunk)
        assert not hand_back(any_ledger, chunk)


def test_a_chunk_that_ends_its_workers_fails_and_names_its_files(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    folder = folder_of(4)
    job = scan(any_ledger, source, folder, size=2)
    deadly = claim(any_ledger)
    for attempt in range(2, 5):
        if attempt == 2:
            assert commit(any_ledger, claim(any_ledger), folder) == "committed"
        expire(any_ledger)
        assert claim(any_ledger).attempts == attempt
    expire(any_ledger)
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is None
    progress = job_progress(any_ledger, job)
    assert (progress.done, progress.embedded, progress.bad) == (4, 2, 2)
    reported = bad_files(any_ledger, job, 10, 0)
    assert [one.path for one in reported] == [item.path for item in deadly.items]
    assert {one.kind for one in reported} == {"gave_up"}
    assert count_images(any_ledger).bad == 2
    assert complete_jobs(any_ledger) == [job]
    assert heartbeat_chunk(any_ledger, deadly, lease_s=60) == "lost"
    again = scan(any_ledger, source, folder)
    work(any_ledger, folder)
    assert job_progress(any_ledger, again).embedded == 2, "the next ingest tries them again"


def test_chunks_can_be_claimed_while_the_scan_goes_on(any_ledger: Ledger) -> None:
    from catalog.chunks import add_chunks
    from catalog.places import record_files
    from tests.catalog.stand_in import found

    source = with_source(any_ledger)
    begun = start(any_ledger, source)
    todo = record_files(any_ledger, job_id=begun.job_id, source_id=source.id, files=found(folder_of(2)))
    add_chunks(any_ledger, job_id=begun.job_id, encoder_id=ENCODER, chunks=[todo])
    assert commit(any_ledger, claim(any_ledger), folder_of(2)) == "committed"
    assert complete_jobs(any_ledger) == []
    assert job_progress(any_ledger, begun.job_id).state == "scanning"


def test_threads_claim_each_chunk_once(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), folder_of(60), size=1)

    def claim_all(name: int) -> list[int]:
        mine = []
        while (chunk := claim_chunk(any_ledger, worker=str(name), lease_s=60)) is not None:
            mine.append(chunk.id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        counted = Counter(chunk for mine in pool.map(claim_all, range(8)) for chunk in mine)
    assert len(counted) == 60
    assert set(counted.values()) == {1}


def test_processes_claim_each_chunk_once(ledger: Ledger, tmp_path: Path) -> None:
    scan(ledger, with_source(ledger), folder_of(40), size=1)
    command = [sys.executable, "-c", CLAIM_ALL, f"sqlite:///{tmp_path}/ledger.db"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [
        subprocess.Popen([*command, str(n)], cwd=Path(__file__).parents[2], text=True, **pipes) for n in range(2)
    ]
    answers = [process.communicate("go\n", timeout=150) for process in processes]
    assert [process.returncode for process in processes] == [0] * 2, answers
    counted = Counter(line for out, _ in answers for line in out.split())
    assert len(counted) == 40
    assert set(counted.values()) == {1}
