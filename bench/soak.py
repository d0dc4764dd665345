"""`ruiji bench soak`: people search and label for as long as one likes, while photos come in and an encoder is trained.

Everything is embedded and on loopback, as `ruiji up` starts it. Every fourth person labels, undoes and does again; the
others search, look at thumbnails and open pages, with a thought in between. Errors are requests without an answer and
answers of 400 and above; 429 and 503, by which a server says that it has too much to do, are counted as refused. Memory
is what the parts have allocated (bench/under_load/memory.py): growth is the median of the run's last tenth against that
of the tenth after the warm-up. The index server's is told apart: it keeps the rows written last, up to 128 MB. The
page keeps fingerprints of so many photos: the warm-up has to show as many, or what filled up would pass for growth, and
`--beside` puts them there. At the end every label that was acknowledged is compared with the ledger. `--control
hoarding` has the query worker keep what it is asked, and must end with 1.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.record import RESULTS, publish
from bench.stack import Stack
from bench.under_fire.clients import Client
from bench.under_fire.controls import CONTROLS, put_on_path
from bench.under_fire.findings import Findings, bounds, of_labels
from bench.under_fire.label_check import faults, read
from bench.under_fire.labellers import LABELS, Labeller
from bench.under_fire.people import bring_to_end
from bench.under_fire.places import write_photos
from bench.under_load.memory import HOLDS_DATA, MemoryWatch, growth
from bench.under_load.meter import Meter, Metered
from bench.under_load.people import Visitor, Waves
from bench.under_load.training import Training
from curate.fingerprints import KEPT

MOST_GROWTH = 0.05
JITTER_MB = 4.0  # less growth than this is not looked at: a twentieth of a broker's 3 MB is nothing
MOST_REFUSED = 0.001  # of all requests
LOOKS = 300  # at the memory, in a whole run
SETTLED_S = 300.0


@dataclass(frozen=True)
class Soak:
    """How many people for how long."""

    users: int
    minutes: float
    seed: int
    think_s: float
    warm_up: float
    photos: int
    beside: int
    wave: int
    rest_s: float
    control: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run and publish; 1 if a goal is missed, or if anything was lost."""
    parser = argparse.ArgumentParser(prog="ruiji bench soak", description=__doc__)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--think-s", type=float, default=1.0, help="between two acts of one person, on average")
    parser.add_argument("--warm-up", type=float, default=0.3, help="share of the run before memory counts")
    parser.add_argument("--photos", type=int, default=2400, help="with labels, at the beginning")
    parser.add_argument("--beside", type=int, default=4000, help="without labels, at the beginning")
    parser.add_argument("--wave", type=int, default=20, help="photos that are ingested at once, again and again")
    parser.add_argument("--rest-s", type=float, default=20.0, help="between two waves")
    parser.add_argument("--control", default="", choices=["", *CONTROLS], help="what must be noticed")
    parser.add_argument("--name", default="soak", help="of the result's file, without its ending")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result")
    chosen = vars(parser.parse_args(argv))
    name, out = chosen.pop("name"), chosen.pop("out")
    plan = Soak(**chosen)
    with TemporaryDirectory(prefix="ruiji-soak-", ignore_cleanup_errors=True) as room:
        figures = soak(Path(room).resolve() / "room", plan)
    missed = goals_missed(figures)
    publish(name, {**figures, "missed": missed}, folder=out, seed=plan.seed, control=plan.control)
    return int(bool(missed))


def goals_missed(figures: dict[str, Any]) -> list[str]:
    """What a run of these figures did not reach."""
    grown = {
        part: share
        for part, share in figures["memory_growth"].items()
        if part != HOLDS_DATA and figures["memory_mb"][part] * share / (1 + share) > JITTER_MB
    }
    return [
        *(f"{what}: {figures[what]}" for what in ("errors", "lost", "duplicates", "wrong") if figures[what]),
        *([f"refused: {figures['refused']}"] if figures["refused"] > MOST_REFUSED * figures["requests"] else []),
        *([f"warm-up: {figures['warmed_up_on']} photos found of {KEPT}"] if figures["warmed_up_on"] < KEPT else []),
        *(f"memory of {part}: {share:+.1%}" for part, share in grown.items() if share > MOST_GROWTH),
    ]


def soak(room: Path, plan: Soak) -> dict[str, Any]:
    """The figures of one run; RuntimeError where one of the people could not go on."""
    room.mkdir(parents=True)
    environment = {"PYTHONPATH": put_on_path(room / "control", plan.control)} if plan.control else {}
    stack = Stack(home=room / "home", allowed_root=room, environment=environment)
    stack.start()
    try:
        return _Run(room, plan, stack).run()
    finally:
        stack.stop()


class _Run:
    def __init__(self, room: Path, plan: Soak, stack: Stack) -> None:
        self.room, self.plan, self.stack = room, plan, stack
        self.meter, self.stop = Meter(), threading.Event()

    def run(self) -> dict[str, Any]:
        """Set up, let them work, settle, compare."""
        plan = self.plan
        photos = write_photos(self.room / "photos", count=plan.photos, seed=plan.seed, labels=("sky", "grass"))
        beside = write_photos(self.room / "beside", count=plan.beside, seed=plan.seed + 1)
        self._prepare()
        people = self._people(sorted({**photos, **beside}))
        waves = Waves(
            room=self.room,
            photos=photos,
            each=plan.wave,
            rest_s=plan.rest_s,
            server=self._session(),
            stop=self.stop,
            seed=plan.seed,
        )
        training = Training(self.stack, self.room / "photos", self.room / "training.log")
        watch = MemoryWatch(self.stack, every_s=60 * plan.minutes / LOOKS)
        everyone: list[Client | Labeller] = [*people, waves]
        for thread in (*everyone, training, watch):
            thread.start()
        self._wait(plan.minutes * plan.warm_up, everyone, training)
        warmed_up_on = len(set().union(*(one.found for one in people if isinstance(one, Visitor))))
        self._wait(plan.minutes * (1 - plan.warm_up), everyone, training)
        watch.end()
        training.end()
        self.stop.set()
        bring_to_end(everyone, within_s=SETTLED_S)
        self._complain(everyone, training)
        found = self._compare(people, waves)
        own, mapped = (of(warm_up=plan.warm_up) for of in (watch.own, watch.mapped))
        return {
            "minutes": plan.minutes,
            "users": plan.users,
            **self.meter.figures(),
            "acked_labels": sum(len(one.journal) for one in people if isinstance(one, Labeller)),
            "ingested": sum(len(taken.files) for taken in waves.taken if taken.searchable),
            "trainings": training.runs,
            "lost": len(found.lost),
            "duplicates": len(found.duplicates),
            "wrong": len(found.wrong),
            "lost_below_95": {} if found.lost else bounds(found.checked),
            "warmed_up_on": warmed_up_on,
            "memory_mb": {part: after for part, (_, after) in own.items()},
            "memory_growth": growth(own),
            "mapped_mb": {part: after for part, (_, after) in mapped.items()},
            "mapped_growth": growth(mapped),
            "first_finding": found.all()[0] if found.all() else None,
        }

    def _session(self) -> Metered:
        stack = self.stack
        return Metered(stack.home, stack.allowed_root, stack.environment, stack.port, meter=self.meter)

    def _prepare(self) -> None:
        stack = self.stack
        job = stack.wait_job(stack.ingest(self.room / "photos", labels_from_folders=True))
        stack.wait_job(stack.ingest(self.room / "beside"))
        for name in LABELS:
            stack.post("/api/v1/labels", {"name": name, **({"group": "vehicle"} if name in {"car", "ship"} else {})})
        self.images = sorted({image for image, _ in read(stack.home / "ledger.db").states})
        if job["bad"] or len(self.images) != self.plan.photos:
            raise RuntimeError(f"of {self.plan.photos} photos {len(self.images)} are there: {job}")

    def _people(self, photos: list[Path]) -> list[Visitor | Labeller]:
        plan = self.plan
        return [
            Labeller(number, self._session(), self.images, self.stop, seed=1000 * plan.seed, rest_s=2 * plan.think_s)
            if number % 4 == 0
            else Visitor(
                number,
                photos=photos,
                think_s=plan.think_s,
                server=self._session(),
                stop=self.stop,
                seed=1000 * plan.seed + number,
            )
            for number in range(plan.users)
        ]

    def _wait(self, minutes: float, everyone: Sequence[Client | Labeller], training: Training) -> None:
        began = time.monotonic()
        while (left := 60 * minutes - (time.monotonic() - began)) > 0:
            self._complain(everyone, training)
            time.sleep(min(left, 1.0))

    def _complain(self, everyone: Sequence[Client | Labeller], training: Training) -> None:
        for one in (*everyone, training):
            if one.failure is not None:
                raise RuntimeError(f"{one.name}: {one.failure!r}\n{self.stack.log()[-2000:]}") from one.failure

    def _compare(self, people: Sequence[Visitor | Labeller], waves: Waves) -> Findings:
        journals = [one.journal for one in people if isinstance(one, Labeller)]
        found = of_labels(faults(read(self.stack.home / "ledger.db"), journals))
        found.count("label transactions", sum(len(journal) for journal in journals))
        found.count("answers to searches", sum(one.answers.number for one in people if isinstance(one, Visitor)))
        found.wrong += [
            *waves.wrong,
            *(text for one in people if isinstance(one, Visitor) for text in one.answers.wrong),
        ]
        return found
