"""Another encoder serves only once it finds every picture; until then, and for every new folder, the old one does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from bench.other_encoder import renamed
from catalog import tables
from catalog.artifacts import ArtifactStore
from catalog.audit import recent
from catalog.coverage import Coverage, coverage
from catalog.encoders import Encoder, get_encoder, serving_encoder
from catalog.index_queue import claim_shard, finish_shard
from catalog.jobs import job_progress, list_jobs
from catalog.ledger import Ledger
from catalog.switching import IndexLacks, NothingBefore
from deploy import local
from deploy.encoder_setup import SHIPPED, describe, set_up_encoder
from deploy.shell import promote as shell
from deploy.shell.encoder import NoSuchEncoder, find
from deploy.shell.failures import FAILED, NotRunning
from deploy.shell.promote import switch as switch_checked
from settings import Settings
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, Folder, ingest, scan, with_encoder, with_source, work

PHOTOS: Folder = {b"a.jpg": "a", b"b.jpg": "b", b"c.jpg": "c"}


def index_all(ledger: Ledger) -> None:
    while (shard := claim_shard(ledger, worker="w", lease_s=60)) is not None:
        assert finish_shard(ledger, shard)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Three pictures, embedded and indexed with the encoder that serves; another one is known."""
    opened = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    with_encoder(opened)
    with_encoder(opened, OTHER_ENCODER)
    ingest(opened, with_source(opened), PHOTOS)
    index_all(opened)
    yield opened
    opened.close()


switch = partial(switch_checked, check=lambda encoder: None)


def serves(ledger: Ledger) -> str:
    serving = serving_encoder(ledger)
    assert serving is not None
    return serving.id


class Workers:
    """What the workers would do while a person watches a job; `photos` are the files as they are by then."""

    def __init__(self, photos: Folder) -> None:
        self.photos = photos
        self.followed: list[int] = []
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def follow(self, ledger: Ledger, job: int) -> int:
        self.followed.append(job)
        work(ledger, self.photos)
        index_all(ledger)
        return 0


def test_coverage_counts_what_is_there_embedded_and_indexed(ledger: Ledger) -> None:
    assert coverage(ledger, ENCODER) == Coverage(3, 3, 3)
    assert coverage(ledger, OTHER_ENCODER) == Coverage(3, 0, 0)
    with ledger.write() as connection:
        connection.execute(tables.shard.update().values(indexed_at=None))
        connection.execute(tables.image.update().where(tables.image.c.id == 1).values(deleted_at=1.0))
    assert coverage(ledger, ENCODER) == Coverage(2, 2, 0)
    assert not coverage(ledger, ENCODER).complete
    with ledger.write() as connection:  # as a chunk leaves it that was given up between its rows and its shard
        connection.execute(tables.embedding.delete().where(tables.embedding.c.image_id == 2))
    assert coverage(ledger, OTHER_ENCODER) == Coverage(1, 0, 0)


def test_folders_given_to_up_are_embedded_with_the_encoder_that_serves(ledger: Ledger, tmp_path: Path) -> None:
    given = get_encoder(ledger, OTHER_ENCODER)
    (job,) = local.ingest_jobs(ledger, [(tmp_path, False)], fallback=given.id)
    assert job_progress(ledger, job).encoder_id == ENCODER
    [line] = recent(ledger, limit=9)
    assert (line.actor, line.action, line.target) == ("shell", "source added", tmp_path.name)


def test_an_encoder_that_does_not_serve_is_named_with_the_way_to_switch(ledger: Ledger) -> None:
    serving, other = get_encoder(ledger, ENCODER), get_encoder(ledger, OTHER_ENCODER)
    assert describe(serving, serving) == ["encoder x (eeeeeeeeeeee)"]
    assert describe(other, serving) == [
        "encoder x (eeeeeeeeeeee)",
        "encoder x (ffffffffffff) is here too but does not serve;"
        " switch to it with: ruiji encoder promote ffffffffffff",
    ]


def test_a_switch_waits_until_every_picture_is_searchable(ledger: Ledger) -> None:
    workers = Workers(PHOTOS)
    assert switch(ledger, get_encoder(ledger, OTHER_ENCODER), wake=workers.wake, follow=workers.follow) == 0
    assert serves(ledger) == OTHER_ENCODER
    assert coverage(ledger, OTHER_ENCODER) == Coverage(3, 3, 3)
    assert (len(workers.followed), workers.woken) == (1, 2)  # for the job, and for Milvus's alias after the switch
    # Back again: everything is there, so nothing is embedded and no worker is needed.
    assert switch(ledger, get_encoder(ledger, ENCODER), wake=workers.wake, follow=workers.follow) == 0
    assert serves(ledger) == ENCODER
    assert len(workers.followed) == 1


def test_vectors_that_the_index_has_not_are_waited_for(ledger: Ledger) -> None:
    def embeds_only(ledger: Ledger, job: int) -> int:
        work(ledger, PHOTOS)
        return 0

    with pytest.raises(NotRunning, match="embed worker"):  # no worker will ever index them
        switch(ledger, get_encoder(ledger, OTHER_ENCODER), wake=lambda: None, follow=embeds_only)
    assert coverage(ledger, OTHER_ENCODER) == Coverage(3, 3, 0)
    assert serves(ledger) == ENCODER


def test_an_ingest_under_way_is_let_finish_first(ledger: Ledger) -> None:
    more: Folder = {b"d.jpg": "d", b"e.jpg": "e"}
    running = scan(ledger, with_source(ledger, "/more"), more)
    workers = Workers(PHOTOS | more)
    assert switch(ledger, get_encoder(ledger, OTHER_ENCODER), wake=workers.wake, follow=workers.follow) == 0
    assert workers.followed[0] == running
    assert coverage(ledger, OTHER_ENCODER) == Coverage(5, 5, 5)


def test_pictures_whose_files_cannot_be_read_hold_the_switch_back_unless_told(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    workers, other = Workers(PHOTOS | {b"b.jpg": "bad"}), get_encoder(ledger, OTHER_ENCODER)
    assert switch(ledger, other, wake=workers.wake, follow=workers.follow) == FAILED
    assert serves(ledger) == ENCODER
    said = capsys.readouterr().err
    assert "1 of 3 pictures could not be embedded with x" in said
    assert "ruiji encoder promote --incomplete ffffffffffff" in said
    assert switch(ledger, other, wake=workers.wake, follow=workers.follow, incomplete=True) == 0
    assert serves(ledger) == OTHER_ENCODER
    assert "2 of 3 pictures searchable" in capsys.readouterr().out


def test_a_job_that_is_cancelled_switches_nothing(ledger: Ledger) -> None:
    def cancelled(ledger: Ledger, job: int) -> int:
        return FAILED

    assert switch(ledger, get_encoder(ledger, OTHER_ENCODER), wake=lambda: None, follow=cancelled) == FAILED
    assert serves(ledger) == ENCODER


def test_ctrl_c_leaves_the_job_going_and_says_so(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(ledger: Ledger, job: int) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(shell, "follow", interrupted)
    monkeypatch.setattr(shell, "require_workers", lambda ledger: None)
    monkeypatch.setattr(shell, "Client", lambda url: Mock())
    with pytest.raises(KeyboardInterrupt):
        shell.promote(Settings(home=tmp_path), OTHER_ENCODER[:12], incomplete=False)
    assert "goes on in the background" in (said := capsys.readouterr().err)
    assert "ruiji encoder promote ffffffffffff" in said
    assert serves(ledger) == ENCODER
    (job, *_) = list_jobs(ledger)
    assert (job.kind, job.encoder_id, job.state) == ("embed", OTHER_ENCODER, "running")
    assert shell.promote(Settings(home=tmp_path), ENCODER[:12], incomplete=False) == 0  # complete: needs nobody


def test_no_switch_begins_without_workers(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="ruiji up"):
        shell.promote(Settings(home=tmp_path), OTHER_ENCODER[:12], incomplete=False)
    assert [job.kind for job in list_jobs(ledger)] == ["ingest"]


def test_an_encoder_that_fails_its_check_does_not_serve(ledger: Ledger) -> None:
    def lost(encoder: Encoder) -> None:
        raise IndexLacks(encoder, held=1, expected=3)

    workers = Workers(PHOTOS)
    with pytest.raises(IndexLacks, match="1 of the 3 photos"):
        switch_checked(ledger, get_encoder(ledger, OTHER_ENCODER), wake=workers.wake, follow=workers.follow, check=lost)
    assert serves(ledger) == ENCODER


def test_going_back_says_what_is_not_found_yet(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shell, "Client", lambda url: Mock())
    monkeypatch.setattr(shell, "check_files", lambda store, encoder: None)
    with pytest.raises(NothingBefore):
        shell.rollback(Settings(home=tmp_path))
    workers = Workers(PHOTOS)
    assert switch(ledger, get_encoder(ledger, OTHER_ENCODER), wake=workers.wake, follow=workers.follow) == 0
    ingest(ledger, with_source(ledger, "/more"), {b"d.jpg": "d"}, encoder_id=OTHER_ENCODER)
    index_all(ledger)
    capsys.readouterr()
    assert shell.rollback(Settings(home=tmp_path)) == 0
    assert serves(ledger) == ENCODER
    said = capsys.readouterr().out
    assert "x (eeeeeeeeeeee) serves again; 3 of 4 pictures searchable" in said
    assert "1 came since and have no vector of it: job" in said


def test_encoders_are_found_by_folder_or_by_the_beginning_of_their_id(ledger: Ledger, tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    assert find(ledger, store, "fff").id == OTHER_ENCODER
    found = find(ledger, store, str(renamed(tmp_path / "new", "new")))
    assert found.name == "new"
    assert found.id != set_up_encoder(ledger, store, SHIPPED).id
    assert serves(ledger) == ENCODER
    with pytest.raises(NoSuchEncoder, match="no such folder, and no encoder's id begins with '/nowhere'"):
        find(ledger, store, "/nowhere")
    with_encoder(ledger, "fff" + "0" * 61)
    with pytest.raises(NoSuchEncoder, match="the ids of 2 encoders begin with 'fff'"):
        find(ledger, store, "fff")
