"""One run: people label, ingest, switch and search while a nemesis strikes; then everything is compared."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.other_encoder import renamed
from bench.stack import Stack
from bench.under_fire.clients import Client, Ingester, Searcher, Switcher
from bench.under_fire.engines import Engines
from bench.under_fire.file_check import check_files
from bench.under_fire.findings import Findings, of_labels
from bench.under_fire.kinds import JUMP, KINDS
from bench.under_fire.label_check import Row, faults, read
from bench.under_fire.labellers import LABELS, Labeller
from bench.under_fire.nemesis import Nemesis
from bench.under_fire.people import bring_to_end, done_by, internal_errors
from bench.under_fire.places import write_photos
from bench.under_fire.probe import Probe
from bench.under_fire.training_check import check_trainings
from bench.under_fire.trainings import NAME, Trainer
from bench.under_fire.world import World
from catalog.artifacts import ArtifactStore
from catalog.index import CollectionMissing, VectorIndex
from catalog.ledger import Ledger
from catalog.reconcile import reconcile

PEOPLE = 3
LOOK_EVERY = 5  # faults between two looks at what has been acknowledged so far
SETTLED_S = 240.0
HURRY_S = 5.0
SAMPLE = 40  # photos that are searched for at the end


@dataclass(frozen=True)
class Plan:
    """How much of what; the run ends when there were `operations`, `kills` and `faults` of any kind, or after
    `minutes`."""

    seed: int
    operations: int
    kills: int
    faults: int
    minutes: float
    photos: int = 120
    each: int = 30
    only: tuple[str, ...] = KINDS
    control: str = ""
    engines: bool = False
    unpacked: Path | None = None
    trainings: int = 0  # at most, and the last is not waited for; 0: one after the other, each to its end
    rest: float = 1.0  # people rest so many times longer: two cores train little beside those who never do


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    findings: Findings
    operations: dict[str, int]
    faults: Counter[str]
    stages: Counter[str]
    kills: int
    acked: int
    asked_again: int
    recovery_s: dict[str, list[float]]
    ended: dict[str, int]
    engines: dict[str, str]
    real_disk: bool | None  # None: none is tried with engines
    clock_moved: bool | None
    seconds: float


def fight(room: Path, plan: Plan) -> Outcome:
    """RuntimeError where a part never came back; everything that was started has ended in any case."""
    began = time.monotonic()
    engines = Engines(room / "engines", unpacked=plan.unpacked) if plan.engines else None
    try:
        world = World(room, control=plan.control, engines=engines, jumps=JUMP in plan.only)
        try:
            return _Fight(world, plan, began).run()
        finally:
            world.abandon()
    finally:
        if engines is not None:
            engines.stop()


class _Fight:
    def __init__(self, world: World, plan: Plan, began: float) -> None:
        self.world, self.plan, self.began = world, plan, began
        self.stop = threading.Event()
        self.seen: list[dict[int, Row]] = []

    def run(self) -> Outcome:
        """Set up, strike, settle, compare."""
        world, plan = self.world, self.plan
        photos = write_photos(world.room / "photos", count=plan.photos, seed=plan.seed, labels=("sky", "grass"))
        world.start()
        self._prepare(len(photos))
        self._clients(photos)
        probe = Probe(self._server(), next(iter(photos)))
        nemesis = Nemesis(world, probe, plan.seed, plan.only)
        for one in self.everyone:
            one.start()
        self._strike(nemesis)
        self.stop.set()
        bring_to_end(self.everyone, within_s=SETTLED_S)
        if world.clock is not None and world.clock.works:
            world.clock.move(0.0)
        world.start()
        patience_s = HURRY_S if self.plan.trainings else SETTLED_S
        self.trainer.bring_to_end(within_s=SETTLED_S, patience_s=patience_s)
        self._settle()
        findings = self._compare()
        world.stop()
        sent = [one for person in self.people for one in person.journal]
        return Outcome(
            findings=findings,
            operations=done_by(self.everyone),
            faults=nemesis.counts,
            stages=nemesis.stages,
            kills=nemesis.kills,
            acked=self._acknowledged(),
            asked_again=sum(one.tries > 1 for one in sent),
            recovery_s=nemesis.recovery_s,
            ended=nemesis.ended | (dict(world.engines.ended) if world.engines else {}),
            engines=world.engines.versions if world.engines else {},
            real_disk=world.disk if world.engines is None else None,
            clock_moved=world.clock.works if world.clock is not None else None,
            seconds=time.monotonic() - self.began,
        )

    def _server(self) -> Stack:
        """The same stack for one more client, with a session of its own."""
        return replace(self.world.stack, process=None, token="", cookies="", beside=set())

    def _prepare(self, photos: int) -> None:
        stack = self.world.stack
        job = stack.wait_job(stack.ingest(self.world.room / "photos", labels_from_folders=True))
        for name in LABELS:
            group = {"group": "vehicle"} if name in {"car", "ship"} else {}
            stack.post("/api/v1/labels", {"name": name, **group})
        (self.source,) = self.world.query("SELECT id FROM source")[0]
        self.images = sorted({image for image, _ in read(self.world.ledger).states})
        if job["bad"] or len(self.images) != photos:
            raise RuntimeError(f"of {photos} photos {len(self.images)} are there: {job}")

    def _clients(self, photos: dict[Path, str]) -> None:
        seed, stop, rest = self.plan.seed, self.stop, self.plan.rest
        self.people = [
            Labeller(number, self._server(), self.images, stop, seed=1000 * seed, rest_s=0.1 * rest)
            for number in range(PEOPLE)
        ]
        options = {"stop": stop, "seed": seed}
        self.ingester = Ingester(
            room=self.world.room,
            photos=photos,
            each=self.plan.each,
            rest_s=rest - 1,
            server=self._server(),
            **options,
        )
        second = renamed(self.world.room / "second", "second")
        self.switcher = Switcher(encoder=second, rest_s=4.0 * rest, but=NAME, server=self._server(), **options)
        self.searcher = Searcher(photos=sorted(photos), rest_s=0.3 * rest, server=self._server(), **options)
        self.trainer = Trainer(
            runs=self.world.stack.home / "runs",
            source=self.source,
            limit=self.plan.trainings,
            server=self._server(),
            **options,
        )
        clients: list[Client] = [self.ingester, self.switcher, self.searcher, self.trainer]
        self.everyone: list[Client | Labeller] = [*self.people, *clients]

    def _acknowledged(self) -> int:
        """Operations that were answered: changes of labels, ingests, switches, searches, trainings."""
        labels = sum(len(one.journal) for one in self.people)
        return (
            labels
            + len(self.ingester.taken)
            + self.switcher.done["switches"]
            + self.searcher.answers.number
            + self.trainer.done["trainings"]
        )

    def _strike(self, nemesis: Nemesis) -> None:
        until = time.monotonic() + 60 * self.plan.minutes
        chance = np.random.default_rng(self.plan.seed)
        number = 0
        while time.monotonic() < until:
            if self._enough(nemesis):
                return
            for one in self.everyone:
                if one.failure is not None:
                    raise RuntimeError(f"{one.name}: {one.failure!r}") from one.failure
            time.sleep(float(chance.uniform(0.0, 0.8)))
            nemesis.strike()
            number += 1
            if number % LOOK_EVERY == 0:
                self.seen.append({row.id: row for row in read(self.world.ledger).events})

    def _enough(self, nemesis: Nemesis) -> bool:
        plan = self.plan
        struck = nemesis.kills >= plan.kills and nemesis.counts.total() >= plan.faults
        return struck and self._acknowledged() >= plan.operations

    def _settle(self) -> None:
        """Until no work is left: what was begun must end without anybody's help."""
        left = (
            "SELECT (SELECT count(*) FROM job WHERE state IN ('scanning', 'running'))"
            " + (SELECT count(*) FROM shard WHERE indexed_at IS NULL) + (SELECT count(*) FROM index_change)"
        )
        until = time.monotonic() + SETTLED_S
        while open_ := self.world.query(left)[0][0]:
            if time.monotonic() > until:
                raise RuntimeError(
                    f"{open_} jobs, shards or changes are not done {SETTLED_S:.0f} s after the last fault"
                )
            time.sleep(0.2)

    def _compare(self) -> Findings:
        home = self.world.stack.home
        labels = read(self.world.ledger)
        found = of_labels(faults(labels, [one.journal for one in self.people], self.seen))
        found.count("label transactions", sum(len(one.journal) for one in self.people))
        held, copies = self._index()
        address = ledger if isinstance(ledger := self.world.ledger, str) else ""
        taken, switched = self.ingester.taken, self.switcher.switched
        files = check_files(home, taken=taken, switched=switched, held=held, ledger=address)
        working = self.world.pids("training")
        trained = check_trainings(self.world.ledger, home / "artifacts", asked=self.trainer.asked, working=working)
        found.take(files)
        found.take(trained)
        found.wrong += [*copies, *self.ingester.wrong, *self.searcher.answers.wrong, *self.trainer.wrong]
        self._search(found)
        if internal := internal_errors(self.everyone):
            found.wrong.append(
                f"{internal} answers of 500, which is a fault of ours; the last: {self.world.traceback()}"
            )
        return found

    def _index(self) -> tuple[dict[str, list[int]], list[str]]:
        """Ids in each encoder's collection, asked of Milvus itself, and what is old in its copy of the labels."""
        home = self.world.stack.home
        index = VectorIndex(self.world.settings.resolved_index_url())
        ledger = Ledger.open(self.world.settings.resolved_database_url())
        try:
            held: dict[str, list[int]] = {}
            with ledger.read() as connection:
                rows = connection.exec_driver_sql("SELECT id, collection FROM encoder").fetchall()
            for encoder, collection in rows:
                try:
                    held[encoder] = index.fetch_ids(collection).tolist()
                except CollectionMissing:
                    held[encoder] = []
            report = reconcile(ledger, ArtifactStore(home / "artifacts"), index, repair=False)
        finally:
            ledger.close()
            index.close()
        return held, [f"{report.stale_labels} rows of the index have old labels"] if report.stale_labels else []

    def _search(self, found: Findings) -> None:
        """A photo that was acknowledged as searchable is found by itself."""
        server = self._server()
        files = {path: sha for one in self.ingester.taken if one.searchable for path, sha in one.files.items()}
        known = dict(self._images())
        for path in sorted(files)[:: max(1, len(files) // SAMPLE)]:
            answer = server.upload(path.read_bytes(), k=5)
            rows = answer.json()["results"] if answer.status == 200 else []
            found.count("searches at the end", 1)
            if not any(known.get(row["image_id"]) == files[path] for row in rows):
                found.lost.append(f"a search by {path} finds {[row['image_id'] for row in rows]}, {answer.status}")

    def _images(self) -> list[tuple[Any, ...]]:
        return self.world.query("SELECT id, sha256 FROM image")
