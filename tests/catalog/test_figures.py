"""The figures that an installation is watched by, on each kind of database."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from sqlalchemy import update

from catalog import tables
from catalog.figures import figures
from catalog.installation import VERSION, OtherVersion, check_version, installed_version, set_version
from catalog.ledger import Ledger
from catalog.workers import announce, beat, list_workers
from tests.catalog.stand_in import claim, expire, scan, with_source


def age_chunks(ledger: Ledger, seconds: float) -> None:
    """As if they had been written so long ago."""
    with ledger.write() as connection:
        connection.execute(update(tables.chunk).values(created_at=tables.chunk.c.created_at - seconds))


def test_chunks_are_counted_by_state_and_the_oldest_that_is_not_done_tells_its_age(any_ledger: Ledger) -> None:
    empty = figures(any_ledger)
    assert empty.chunks == {"open": 0, "claimed": 0, "done": 0, "failed": 0}
    assert {queue.name: (queue.open, queue.oldest_s) for queue in empty.queues} == {
        "embed": (0, None), "index": (0, None), "train": (0, None),
    }  # fmt: skip
    scan(any_ledger, with_source(any_ledger), {b"%d" % number: f"{number}" for number in range(3)}, size=1)
    age_chunks(any_ledger, 100)
    claim(any_ledger)
    found = figures(any_ledger)
    assert (found.chunks["open"], found.chunks["claimed"]) == (2, 1)
    embed = found.queues[0]
    assert embed.open == 3 and embed.oldest_s is not None and 100 <= embed.oldest_s < 160


def test_chunks_of_before_they_had_a_date_are_as_old_as_their_job(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), {b"a": "A"})
    with any_ledger.write() as connection:
        connection.execute(update(tables.chunk).values(created_at=None))
        connection.execute(update(tables.job).values(created_at=tables.job.c.created_at - 50))
    oldest = figures(any_ledger).queues[0].oldest_s
    assert oldest is not None and 50 <= oldest < 110


def test_claims_that_came_to_nothing_are_counted(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), {b"a": "A"})
    for _ in range(3):
        claim(any_ledger)
        expire(any_ledger)
    assert figures(any_ledger).chunk_failures == {"gave_up": 0, "worker_lost": 2}


def test_reasons_are_our_own_words(any_ledger: Ledger) -> None:
    scan(any_ledger, with_source(any_ledger), {b"a": "A"})
    chunk = claim(any_ledger)
    with any_ledger.write() as connection:
        for number, kind in enumerate(["truncated", "truncated", "caf\u00e9 of mine.jpg", "x" * 32]):
            values = {"job_id": chunk.job_id, "source_id": chunk.items[0].source_id, "reason": "r", "at": 0.0}
            connection.execute(tables.bad_file.insert().values(path=b"%d" % number, kind=kind, **values))
    assert figures(any_ledger).bad_files == {"truncated": 2, "other": 1, "x" * 32: 1}


def test_a_worker_tells_what_it_is_and_what_it_does(any_ledger: Ledger) -> None:
    announce(
        any_ledger, name="embed@a:1", queues="embed", host="a", pid=1, device="cuda:0", version="0.1.0+ab", gpu="H100"
    )
    [row] = list_workers(any_ledger, alive_within_s=20)
    assert (row.version, row.gpu, row.encoder_id, row.images_per_s) == ("0.1.0+ab", "H100", None, None)
    assert row.clock_ahead_s is not None and abs(row.clock_ahead_s) < 1  # one machine
    beat(any_ledger, "embed@a:1", doing="x", images=9, images_per_s=3.5, encoder_id="e" * 64)
    [row] = figures(any_ledger).workers
    assert (row.images, row.images_per_s, row.encoder_id, row.version) == (9, 3.5, "e" * 64, "0.1.0+ab")


def test_an_installation_is_of_the_version_that_set_it_up_last(any_ledger: Ledger) -> None:
    assert installed_version(any_ledger) is None
    check_version(any_ledger)  # of before it was noted: nobody is refused
    set_version(any_ledger)
    set_version(any_ledger)
    assert installed_version(any_ledger) == VERSION
    check_version(any_ledger)
    with any_ledger.write() as connection:
        connection.execute(update(tables.installation).values(version="9.9.9"))
    with pytest.raises(OtherVersion, match=rf"{VERSION}.*9\.9\.9.*takes no work.*prepare"):
        check_version(any_ledger)


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION
