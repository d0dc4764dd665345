"""What `ruiji up` says of its ingests: what is new and what was there, why files are bad, and the address last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.index_queue import claim_shard, finish_shard
from catalog.jobs import job_progress
from catalog.ledger import Ledger
from deploy import ingest_lines
from deploy.ingest_lines import IngestLines, under_way
from deploy.local import for_other_shells
from settings import Settings, default_home
from tests.catalog.stand_in import BAD, ingest, with_source

PAGE = "http://127.0.0.1:8765"
LAST = ["for other commands, in another shell: export RUIJI_HOME=/demo", f"open {PAGE}"]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_lines, "EVERY_S", 0.0)


def indexed(ledger: Ledger) -> None:
    while (claim := claim_shard(ledger, worker="w", lease_s=60.0)) is not None:
        assert finish_shard(ledger, claim)


def said_of(ledger: Ledger, *jobs: int) -> list[str]:
    said: list[str] = []
    lines = IngestLines(ledger, jobs, say=said.append, page=PAGE, last=LAST)
    lines()
    lines()
    return said


@pytest.mark.usefixtures("at_once")
def test_where_nothing_is_new_it_says_how_many_were_there(ledger: Ledger) -> None:
    source, folder = with_source(ledger), {b"a": "A", b"b": "B"}
    first = ingest(ledger, source, folder)
    indexed(ledger)
    assert said_of(ledger, first)[0].endswith("done; 2 files: 0 known already, 2 new ones searchable, 0 bad")
    said = said_of(ledger, ingest(ledger, source, folder))
    assert said[0].endswith("done; 2 files: 2 known already, 0 new ones searchable, 0 bad")
    assert said[1:] == ["2 images are searchable", *LAST], "the address stands last, and once"


@pytest.mark.usefixtures("at_once")
def test_bad_files_are_named_with_their_reasons_and_the_list_of_all(ledger: Ledger) -> None:
    folder = {f"broken\n{number}".encode(): BAD for number in range(7)}
    said = said_of(ledger, ingest(ledger, with_source(ledger), folder))
    assert said[0].endswith("7 bad")
    assert [line.split(": ")[0] for line in said[1:6]] == [rf"  'broken\n{number}'" for number in range(5)]
    assert all(line.split(": ", 1)[1] for line in said[1:6]), "each with its reason"
    assert said[6] == f"  … and 2 more; the list of bad files: {PAGE}/jobs"


def test_no_speed_and_no_time_left_before_there_is_a_speed(ledger: Ledger) -> None:
    job = replace(
        job_progress(ledger, ingest(ledger, with_source(ledger), {b"a": "A"})),
        state="running", done=0, total=576, indexed=0, images_per_s=0.0, seconds_left=None,
    )  # fmt: skip
    assert under_way(job) == f"{job.source_name}: 0 of 576 files, 0 bad, 0 searchable"
    assert "(20 images/s, 26 s left)" in under_way(replace(job, done=64, images_per_s=20.0, seconds_left=25.6))


def test_other_shells_are_told_of_a_home_that_they_would_not_look_in(tmp_path: Path) -> None:
    [line] = for_other_shells(Settings(home=tmp_path / "my photos"))
    assert line.endswith(f"export RUIJI_HOME='{tmp_path}/my photos'")
    assert for_other_shells(Settings(home=default_home())) == []
