"""The check of `ruiji bench faults` notices a result that was counted without its fence token."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.under_fire import controls
from bench.under_fire.clients import Taken
from bench.under_fire.file_check import check_files
from bench.under_fire.findings import Findings
from catalog import chunk_statements
from catalog.chunks import ClaimedChunk
from ingest.pool import DecodePool
from ingest.stream import embed_chunk
from tests.ingest.conftest import Library
from tests.ingest.library_checks import write_photos


def ingest_with_a_worker_that_was_held_up(library: Library, pool: DecodePool, home: Path) -> Findings:
    """Its lease runs out before its commit, another worker does the chunk, and then it goes on."""
    write_photos(library.photos, 10)
    library.scan(library.add_source())
    slow, quick = library.must_claim("slow", lease_s=-1), library.must_claim("quick")

    def do(chunk: ClaimedChunk) -> None:
        embed_chunk(library.ledger, library.store, chunk, embed=library.embed, pool=pool, heartbeat=lambda _: "go")

    do(quick)
    do(slow)
    files = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in library.photos.iterdir()}
    return check_files(home, taken=[Taken(1, files, searchable=True)], switched=[], held={})


def test_under_its_fence_a_late_result_changes_nothing(
    library: Library, shared_pool: DecodePool, tmp_path: Path
) -> None:
    found = ingest_with_a_worker_that_was_held_up(library, shared_pool, tmp_path / "home")
    assert found.all() == []
    assert (found.checked["files"], found.checked["vectors"], found.checked["thumbnails"]) == (10, 10, 10)


def test_without_its_fence_it_is_noticed(
    library: Library, shared_pool: DecodePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_statements, "OURS", chunk_statements.OURS)  # so that it is put back
    controls.install("unfenced")
    found = ingest_with_a_worker_that_was_held_up(library, shared_pool, tmp_path / "home")
    assert any("chunks counted" in text for text in found.wrong), found


def test_a_photo_that_was_lost_or_exchanged_is_noticed(
    library: Library, shared_pool: DecodePool, tmp_path: Path
) -> None:
    write_photos(library.photos, 4)
    library.ingest(shared_pool, library.add_source())
    never = {library.photos / "never.jpg": "0" * 64, library.photos / "0000.jpg": "1" * 64}
    found = check_files(tmp_path / "home", taken=[Taken(1, never), Taken(99, {})], switched=[], held={})
    assert len(found.lost) == 3
