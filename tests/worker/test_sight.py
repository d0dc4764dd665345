"""Two machines that see the same folder under different paths, or do not see it: their real loops on one ledger."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from catalog import tables
from catalog.encoders import serving_encoder
from catalog.jobs import JobProgress, bad_files, cancel_job, create_ingest_job, job_progress, list_jobs
from catalog.ledger import Ledger
from catalog.run_pictures import SourceFiles
from catalog.sources import add_source, get_source
from catalog.storage.path_map import PathMap
from catalog.storage.pictures import PictureStorage
from catalog.unreadable import list_unreadable
from catalog.workers import announce, forget
from encoder.training.errors import TrainingError
from settings import Settings
from tests.photos import write_folder
from worker import sight
from worker.context import Context
from worker.embedding import EmbedLoop
from worker.queries import Queries
from worker.replies import SOURCE_UNSEEN
from worker.run_pictures import _source
from worker.service import make_context
from worker.sweep import Sweep

ALIVE_S = 60.0
FIRST_SEEDS = itertools.count(100_000, 100)  # every test has photos that no other has
PER_KIND = 5
ALL = 3 * PER_KIND


class Node:
    """An embed worker on a machine of this name; `here` is where it has the folder, or would have it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = name
        self.here = Path()
        self.context = make_context(settings, queue="embed")
        self.context.limits = replace(self.context.limits, chunk_files=10, decode_processes=1)
        self.context.presence.name = f"embed@{name}:1"
        self.loop = EmbedLoop(self.context)

    def begin(self, *, recorded: bytes, here: Path) -> None:
        """As if it had just been started with this path map."""
        self.here = here
        self.context.storage = PictureStorage(path_map=PathMap.parse(f"{recorded.decode()}={here}"))
        self.loop._sight = sight.Sight(self.context)
        name = self.context.presence.name
        announce(self.context.ledger, name=name, queues="embed", host=self.name, pid=1, device="cpu")

    def run(self) -> None:
        """What a wake-up makes it do."""
        self.loop.run()

    def scan(self) -> None:
        """The scan alone."""
        self.context.stopping.set()
        self.loop._start_scan()
        assert self.loop._scan is not None
        self.loop._scan.join()
        self.context.stopping.clear()

    def close(self) -> None:
        """End its decode children and connections."""
        self.loop.close()
        self.context.client.close()
        self.context.ledger.close()


@pytest.fixture(scope="module")
def machines(settings: Settings) -> Iterator[list[Node]]:
    """Both of them for all tests: to load an encoder and to start decode children takes a second."""
    made = [Node(settings, name) for name in ("seeing", "blind")]
    yield made
    for node in made:
        node.close()


@pytest.fixture
def recorded() -> bytes:
    """How the ledger calls the folder; nothing has ever been there on this machine."""
    return f"/data/photos-{uuid4().hex}".encode()


@pytest.fixture
def nodes(
    machines: list[Node], recorded: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Node]]:
    """One that has the folder, and one that has not: not yet."""
    monkeypatch.setattr(sight, "LOOK_AGAIN_S", 0.0)
    write_folder(tmp_path / "nas", per_kind=PER_KIND, labelled=True, first_seed=next(FIRST_SEEDS))
    for node, here in zip(machines, ("nas", "elsewhere"), strict=True):
        node.begin(recorded=recorded, here=tmp_path / here)
    ledger = machines[0].context.ledger
    machines[0].context.replies._redis.delete("embed", "index")
    yield machines
    for job in list_jobs(ledger):
        cancel_job(ledger, job.id)
    for node in machines:
        forget(ledger, node.context.presence.name)


def new_job(ledger: Ledger, root: bytes) -> int:
    encoder = serving_encoder(ledger)
    assert encoder is not None
    return create_ingest_job(ledger, source_id=add_source(ledger, root).id, encoder_id=encoder.id, author="test")


def progress(node: Node, job: int) -> JobProgress:
    found = job_progress(node.context.ledger, job)
    assert bad_files(node.context.ledger, job, limit=10) == []
    return found


def claims(ledger: Ledger, job: int) -> list[tuple[str, int, int]]:
    """State, attempts and claims so far of each chunk."""
    chunk = tables.chunk
    with ledger.read() as connection:
        query = select(chunk.c.state, chunk.c.attempts, chunk.c.fence).where(chunk.c.job_id == job)
        return [(row.state, row.attempts, row.fence) for row in connection.execute(query.order_by(chunk.c.id))]


def unreadable(node: Node) -> list[tuple[str, str]]:
    return [(row.host, row.reason) for row in list_unreadable(node.context.ledger, alive_within_s=ALIVE_S)]


def test_two_machines_read_one_folder_under_their_own_paths(nodes: list[Node], recorded: bytes) -> None:
    seeing, other = nodes
    other.here.symlink_to(seeing.here)
    job = new_job(seeing.context.ledger, recorded)
    seeing.scan()
    other.run()
    assert (progress(other, job).state, progress(other, job).embedded) == ("done", ALL)
    write_folder(seeing.here, per_kind=1, labelled=True, first_seed=next(FIRST_SEEDS))
    again = new_job(seeing.context.ledger, recorded)
    other.scan()
    seeing.run()
    assert (progress(seeing, again).known, progress(seeing, again).embedded) == (ALL, 3)
    assert unreadable(seeing) == []


def test_a_machine_without_the_mount_hands_its_chunks_to_one_that_has_it(nodes: list[Node], recorded: bytes) -> None:
    seeing, blind = nodes
    job = new_job(seeing.context.ledger, recorded)
    seeing.scan()
    seeing.context.replies._redis.delete("embed")
    blind.run()
    found = progress(blind, job)
    assert (found.state, found.done) == ("running", 0)
    for words in (str(blind.here), recorded.decode(), "RUIJI_PATH_MAP", "other machines go on"):
        assert words in str(found.error)
    (row,) = unreadable(blind)
    assert row[0] == "blind"
    assert str(blind.here) in row[1]
    assert seeing.context.client.waiting("embed") == 1, "another machine is told"
    before = claims(blind.context.ledger, job)
    assert [(state, attempts) for state, attempts, _ in before] == [("open", 0)] * len(before)
    assert sum(fence for _, _, fence in before) == 1, "one look was enough for all of them"
    blind.run()
    assert claims(blind.context.ledger, job) == before

    seeing.run()
    done = progress(seeing, job)
    assert (done.state, done.embedded, done.bad, done.error) == ("done", ALL, 0, None)
    blind.here.symlink_to(seeing.here)
    blind.run()
    assert unreadable(blind) == [], "mounted at last"


def test_a_scan_goes_to_the_machine_that_has_the_folder(nodes: list[Node], recorded: bytes) -> None:
    seeing, blind = nodes
    job = new_job(seeing.context.ledger, recorded)
    blind.run()
    assert progress(blind, job).state == "scanning"
    assert [host for host, _ in unreadable(blind)] == ["blind"]
    seeing.run()
    assert (progress(seeing, job).state, progress(seeing, job).error) == ("done", None)


def test_a_scan_that_no_machine_can_do_has_failed_and_says_so_of_each(nodes: list[Node], recorded: bytes) -> None:
    seeing, blind = nodes
    seeing.here.rename(seeing.here.with_name("unplugged"))
    job = new_job(seeing.context.ledger, recorded)
    blind.run()
    seeing.run()
    found = progress(seeing, job)
    assert found.state == "failed"
    for words in ("seeing: ", "blind: ", str(seeing.here), str(blind.here)):
        assert words in str(found.error)
    again = new_job(seeing.context.ledger, recorded)
    blind.run()
    assert progress(blind, again).state == "failed", "it never waits without a word"


def test_when_no_machine_sees_it_any_more_the_job_waits_says_so_and_goes_on_by_itself(
    nodes: list[Node], recorded: bytes
) -> None:
    seeing, blind = nodes
    job = new_job(seeing.context.ledger, recorded)
    seeing.scan()
    seeing.here.rename(seeing.here.with_name("unplugged"))
    seeing.here.mkdir()  # a mount point without its disk
    for node in (blind, seeing, blind, seeing):
        node.run()
    found = progress(seeing, job)
    assert (found.state, found.done) == ("running", 0)
    for words in ("no machine that embeds", "seeing: ", "blind: ", "it is empty"):
        assert words in str(found.error)
    before = claims(seeing.context.ledger, job)
    for _ in range(3):
        Sweep(seeing.context).run()
        seeing.run()
    assert claims(seeing.context.ledger, job) == before, "nothing is claimed to find out again"
    seeing.here.rmdir()
    seeing.here.with_name("unplugged").rename(seeing.here)
    seeing.run()
    assert (progress(seeing, job).state, progress(seeing, job).error) == ("done", None)


def test_a_disk_that_is_lost_while_it_is_read_costs_no_file(nodes: list[Node], recorded: bytes) -> None:
    seeing, _ = nodes
    job = new_job(seeing.context.ledger, recorded)
    seeing.scan()
    source = add_source(seeing.context.ledger, recorded)
    seeing.loop._sight._fine[source.id] = time.monotonic()  # it was there a moment ago
    seeing.here.rename(seeing.here.with_name("unplugged"))
    seeing.run()
    found = progress(seeing, job)
    assert (found.state, found.done) == ("running", 0)
    seeing.here.with_name("unplugged").rename(seeing.here)
    seeing.run()
    assert (progress(seeing, job).state, progress(seeing, job).embedded) == ("done", ALL)


def test_a_full_picture_is_shown_where_the_folder_is_and_refused_with_the_reason_where_it_is_not(
    nodes: list[Node], recorded: bytes
) -> None:
    seeing, blind = nodes
    job = new_job(seeing.context.ledger, recorded)
    seeing.run()
    source = get_source(seeing.context.ledger, job_progress(seeing.context.ledger, job).source_id or 0)
    with seeing.context.ledger.read() as connection:
        image_id = connection.execute(
            select(tables.place.c.image_id).where(tables.place.c.source_id == source.id).limit(1)
        ).scalar_one()
    answers = []
    for node in nodes:
        queries, request = Queries(node.context), uuid4().hex
        queries.view(request, deadline=time.time() + 60, wanted={"image_id": image_id}, side=320)
        answers.append(node.context.replies.wait(request, timeout_s=60) or {})
        queries.close()
    assert "bytes" in answers[0], answers[0]
    assert answers[1]["error"]["kind"] == SOURCE_UNSEEN
    assert str(blind.here) in answers[1]["error"]["reason"]


def test_a_training_reads_where_this_machine_has_the_folder_or_names_it(nodes: list[Node], recorded: bytes) -> None:
    seeing, blind = nodes
    paths = sorted(str(path.relative_to(seeing.here)).encode() for path in seeing.here.rglob("*.jpg"))
    files = SourceFiles("holidays", recorded, paths, [1000] * len(paths))
    found = list(_source(files, seeing.context).pictures(32))
    assert [one.name.encode() for one in found] == paths
    assert all(one.pixels is not None for one in found)
    with pytest.raises(TrainingError, match="elsewhere"):
        _source(files, blind.context)


def test_contexts_read_where_the_settings_say(settings: Settings) -> None:
    mapped = make_context(settings.model_copy(update={"path_map": "/data=/mnt/nas"}), queue="embed")
    assert isinstance(mapped, Context)
    assert mapped.storage.here(b"/data/a") == b"/mnt/nas/a"
    mapped.client.close()
    mapped.ledger.close()
