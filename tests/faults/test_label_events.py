"""Labels under fire: several people label while parts are killed, folders ingested anew and encoders switched.

Every change that was acknowledged is in the ledger once, in order, and nothing else is; the state of every image and
label is what its events say. `RUIJI_FAULT_LABEL_TRANSACTIONS=2000 pytest tests/faults/test_label_events.py -s` is the
long form, with five events for each transaction at least, and `make soak` a longer one; the ordinary run keeps to a
minute.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.other_encoder import renamed
from bench.under_fire.label_check import Labels, Row, faults, read
from bench.under_fire.labellers import LABELS, Labeller, Sent
from bench.under_fire.upheaval import Upheaval
from tests.photos import KINDS, write_folder
from tests.stack import Stack

TRANSACTIONS = int(os.environ.get("RUIJI_FAULT_LABEL_TRANSACTIONS", "200"))
EVENTS = 5 * TRANSACTIONS
PER_KIND = 40
PEOPLE = 4
# Parts of a stack by their command lines; a kill of one ends them all, as a kill of everything does at once.
VICTIMS = {"web": "gunicorn", "worker": "embed", "index": "index", "broker": "valkey", "everything": ""}
KILLS = max(2, TRANSACTIONS // 100)
pytestmark = pytest.mark.timeout(max(900, TRANSACTIONS))


@dataclass
class Battle:
    """What is left of it: the ledger, what each client was told, and what had been in the ledger on the way."""

    ledger: Path
    journals: list[list[Sent]]
    seen: list[dict[int, Row]]
    kills: Counter[str]
    done: Counter[str]
    refused: Counter[int]
    seconds: float
    labels: Labels = field(init=False)

    def __post_init__(self) -> None:
        self.labels = read(self.ledger)

    def counts(self) -> dict[str, object]:
        """The figures of the run."""
        sent = [one for journal in self.journals for one in journal]
        return {
            "transactions": len(sent),
            "kinds": dict(Counter(one.kind for one in sent)),
            "events": sum(self.labels.heads[one.batch].size for one in sent),
            "asked again": sum(one.tries > 1 for one in sent),
            "carried out though not answered": sum(one.repeated for one in sent),
            "kills": dict(self.kills),
            "refused": dict(self.refused),
            **self.done,
            "seconds": round(self.seconds),
        }


@pytest.fixture(scope="module")
def battle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Battle]:
    room = tmp_path_factory.mktemp("labels")
    stack = Stack(home=room / "home", allowed_root=room, environment={"RUIJI_LEASE_S": "3", "RUIJI_CHUNK_FILES": "40"})
    started = time.monotonic()
    try:
        yield fight(stack, room, started)
    finally:
        stack.stop()
        assert not stack.wait_gone()


def fight(stack: Stack, room: Path, started: float) -> Battle:
    photos = room / "photos"
    write_folder(photos, per_kind=PER_KIND, labelled=True)
    stack.start()
    assert stack.wait_job(stack.ingest(photos, labels_from_folders=True))["bad"] == 0
    for name in LABELS:
        group = {"group": "vehicle"} if name in {"car", "ship"} else {}
        assert stack.post("/api/v1/labels", {"name": name, **group}).status == 201
    ledger = stack.home / "ledger.db"
    images = sorted({image for image, _ in read(ledger).states})
    assert len(images) == PER_KIND * len(KINDS)
    stop = threading.Event()
    server = replace(stack, process=None, token="", cookies="")
    people = [Labeller(number, replace(server), images, stop) for number in range(PEOPLE)]
    upheaval = Upheaval(replace(server), photos=photos, encoder=renamed(room / "second", "second"), stop=stop)
    threads: list[Labeller | Upheaval] = [*people, upheaval]
    for thread in threads:
        thread.start()
    kills, seen = strike(stack, people, upheaval)
    stop.set()
    for thread in threads:
        thread.join(timeout=120)
        assert thread.failure is None, f"{thread.name}: {thread.failure!r}"
        assert not thread.is_alive()
    assert stack.stop() == 0
    journals = [one.journal for one in people]
    refused = sum((one.refused for one in people), Counter())
    return Battle(ledger, journals, seen, kills, upheaval.done, refused, time.monotonic() - started)


def strike(stack: Stack, people: list[Labeller], upheaval: Upheaval) -> tuple[Counter[str], list[dict[int, Row]]]:
    """Kill something after each part of the work, until all of it is done; returns the kills, and what was there."""
    randomly = random.Random(TRANSACTIONS)
    kills: Counter[str] = Counter()
    seen: list[dict[int, Row]] = []
    victims: list[str] = []

    def acknowledged() -> int:
        for one in people:
            assert one.failure is None, f"{one.name}: {one.failure!r}"
        return sum(len(one.journal) for one in people)

    for number in range(1, KILLS + 1):
        while acknowledged() < number * TRANSACTIONS // (KILLS + 1):
            time.sleep(0.01)
        time.sleep(randomly.uniform(0.0, 0.3))
        victims = victims or randomly.sample(list(VICTIMS), len(VICTIMS))
        victim = victims.pop()
        hit = [pid for pid, line in stack.processes().items() if VICTIMS[victim] in line]
        assert hit, f"no process of {victim} is running: {stack.processes()}"
        stack.kill(hit)
        kills[victim] += 1
        assert not (left := stack.wait_gone()), f"the death of one part must stop all: {left}"
        seen.append({row.id: row for row in read(stack.home / "ledger.db").events})
        stack.start()
    # Enough of everything: what a kill took the time of is waited for.
    until = time.monotonic() + 600
    enough = {"ingests": 2, "encoders": 1, "switches": 1}
    while time.monotonic() < until:
        events = sum(one.applied for person in people for one in person.journal)
        if (
            acknowledged() >= TRANSACTIONS
            and events >= EVENTS
            and all(upheaval.done[k] >= n for k, n in enough.items())
        ):
            return kills, seen
        time.sleep(0.05)
    raise AssertionError(f"{acknowledged()} transactions, {events} events, {upheaval.done}: not enough in 600 s")


def test_every_acknowledged_change_is_there_once_and_nothing_is_lost_or_overwritten(battle: Battle) -> None:
    counts = battle.counts()
    print("\n", counts)
    assert faults(battle.labels, battle.journals, battle.seen) == []
    assert faults(battle.labels._replace(one_writer=False), battle.journals, battle.seen) == []
    sent = [one for journal in battle.journals for one in journal]
    assert len(sent) >= TRANSACTIONS
    assert sum(battle.labels.heads[one.batch].size for one in sent) >= EVENTS
    assert sum(battle.kills.values()) == KILLS
    assert any(one.tries > 1 for one in sent), "no client was ever left without an answer"
    assert {one.kind for one in sent} == {"decide", "undo", "redo"}
    assert battle.refused[500] == 0, "a 500 is a fault of ours, whatever was killed"


ALTERED = {
    "the last event is dropped": "DELETE FROM label_event WHERE id = (SELECT max(id) FROM label_event)",
    "an event in the middle is dropped": "DELETE FROM label_event WHERE id = (SELECT max(id) / 2 FROM label_event)",
    "an event is overwritten": "UPDATE label_event SET decision = CASE decision WHEN 'no' THEN 'yes' ELSE 'no' END"
    " WHERE id = (SELECT max(id) / 2 FROM label_event)",
    "an event is about another image": "UPDATE label_event SET image_id = image_id % 100 + 1"
    " WHERE id = (SELECT max(id) / 3 FROM label_event)",
    "an event is there twice": "INSERT INTO label_event SELECT (SELECT max(id) + 1 FROM label_event), batch_id,"
    " image_id, label_id, decision, previous, previous_origin, origin, author, hunt, encoder_id, score, at"
    " FROM label_event WHERE id = (SELECT max(id) FROM label_event)",
    "a batch is lost": "DELETE FROM label_batch WHERE id ="
    " (SELECT max(id) FROM label_batch WHERE key LIKE 'labeller%')",
    "a state is lost": "DELETE FROM label_state WHERE event_id = (SELECT max(event_id) FROM label_state)",
    "a state is overwritten": "UPDATE label_state SET state = CASE state WHEN 'no' THEN 'yes' ELSE 'no' END"
    " WHERE event_id = (SELECT min(event_id) FROM label_state)",
}


@pytest.mark.parametrize("harm", ALTERED)
def test_the_check_finds_what_was_altered(battle: Battle, harm: str, tmp_path: Path) -> None:
    altered = tmp_path / "ledger.db"
    shutil.copy(battle.ledger, altered)
    with sqlite3.connect(altered) as ledger:
        assert ledger.execute(ALTERED[harm]).rowcount == 1
    ledger.close()
    labels = read(altered)
    assert faults(labels, battle.journals, battle.seen)
    assert faults(labels._replace(one_writer=False), battle.journals, battle.seen), "as it looks at PostgreSQL"


def test_the_check_finds_a_whole_change_that_was_carried_out_twice_or_never(battle: Battle) -> None:
    """As if the ledger were sound in itself, and a client remembered more or less than there is."""
    first, *others = battle.journals
    assert faults(battle.labels, [first[:-1], *others])
    more = replace(first[-1], key="labeller 0: never", batch=first[-1].batch + 10**6)
    assert faults(battle.labels, [[*first, more], *others])
    assert faults(battle.labels, [[*first[:-2], first[-1], first[-2]], *others])
