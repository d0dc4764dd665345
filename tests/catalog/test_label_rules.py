"""Random decisions, undos, redos and merges write exactly the events that the rules in plain Python ask for."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select

from catalog import tables
from catalog.errors import InvalidLabel, NotUndone
from catalog.index_queue import drop_changes, pending_changes
from catalog.label_groups import change_group, list_groups
from catalog.labels import change_label, ensure_label, merge_label, redo, undo
from catalog.ledger import Ledger
from tests.catalog.deciding import say
from tests.catalog.plainly import Past, Written, decided, moved, taken_back

STEPS = 80
ORIGINS = ["person"] * 5 + ["import", "folder"]


class Run:
    """One ledger under random changes, each of them held against the rules."""

    def __init__(self, ledger: Ledger, images: list[int], seed: int) -> None:
        self.ledger, self.images, self.random = ledger, images, random.Random(seed)
        groups: dict[str, str | None] = {"a": "v", "b": "v", "c": "v", "d": "w", "e": None}
        self.labels = [ensure_label(ledger, name, group=group).id for name, group in groups.items()]
        self.seen: Counter[str] = Counter()

    def step(self, key: str) -> None:
        past = self.past()
        drop_changes(self.ledger, [change.id for change in pending_changes(self.ledger, 1000)])
        kind = self.random.choice(["decide"] * 4 + ["undo"] * 4 + ["redo"] * 3 + ["merge", "merge", "regroup"])
        with suppress(InvalidLabel, NotUndone):  # what is refused must have written nothing
            getattr(self, kind)(past, key)
            return
        assert self.past() == past

    def decide(self, past: Past, key: str) -> None:
        origin = self.random.choice(ORIGINS)
        decisions: list[tuple[int, int, Any]] = [
            (self.random.choice(self.images), self.random.choice(self.labels), self.random.choice(["yes", "yes", "no"]))
            if self.random.random() < 0.9
            else (self.random.choice(self.images), self.random.choice(self.labels), "unknown")
            for _ in range(self.random.randint(1, 10))
        ]
        done = say(self.ledger, key, *decisions, origin=origin)
        self.check(done.batch_id, decided(past, decisions, origin=origin))

    def undo(self, past: Past, key: str) -> None:
        target = self.random.choice(list(past.heads)[-8:] or [0])
        if target:
            done = undo(self.ledger, target, author="wei", key=key)
            self.check(done.batch_id, taken_back(past, target))
            again = undo(self.ledger, target, author="wei", key=key)
            assert (again.batch_id, again.applied, again.repeated) == (done.batch_id, done.applied, True)

    def redo(self, past: Past, key: str) -> None:
        undos = [row.id for row in past.heads.values() if row.kind == "undo"]
        if undos:
            done = redo(self.ledger, self.random.choice(undos[-5:]), author="wei", key=key)
            target = self.past().heads[done.batch_id].undoes
            self.check(done.batch_id, taken_back(past, target))

    def merge(self, past: Past, key: str) -> None:
        if len(past.merged()) > 2:
            return
        there = [label for label in self.labels if label not in past.merged()]
        label, into = self.random.sample(there[:3], 2)
        done = merge_label(self.ledger, label, into=into, author="wei", key=key)
        expected, contradictions = moved(past, label, into)
        self.check(done.batch_id, expected)
        assert done.contradictions == len(contradictions)
        assert done.moved == sum(one.pair[1] == label for one in expected)
        self.seen["contradiction"] += done.contradictions
        if self.random.random() < 0.95:  # or soon there would be one label left
            past = self.past()
            drop_changes(self.ledger, [change.id for change in pending_changes(self.ledger, 1000)])
            back = undo(self.ledger, done.batch_id, author="wei", key=f"{key} back")
            self.check(back.batch_id, taken_back(past, done.batch_id))

    def regroup(self, past: Past, key: str) -> None:
        if self.random.random() < 0.5:
            group = self.random.choice(list_groups(self.ledger))
            change_group(self.ledger, group.id, exclusive=not group.exclusive)
        else:
            change_label(self.ledger, self.random.choice(self.labels), group=self.random.choice(["v", "w", False]))

    def past(self) -> Past:
        with self.ledger.read() as connection:
            return Past.read(connection)

    def check(self, batch_id: int, expected: set[Written]) -> None:
        past = self.past()
        rows = [row for row in past.events if row.batch_id == batch_id]
        written = [
            Written((row.image_id, row.label_id), row.decision, row.previous, row.previous_origin, row.origin)
            for row in rows
        ]
        assert len(written) == len(expected) == past.heads[batch_id].size
        assert set(written) == expected
        assert {row.author for row in rows} <= {"wei"}
        assert {row.at for row in rows} <= {past.heads[batch_id].at}
        changes = {change.image_id for change in pending_changes(self.ledger, 1000)}
        assert changes == {one.pair[0] for one in expected}
        table = tables.label_state
        with self.ledger.read() as connection:
            states = {(row.image_id, row.label_id): row[2:] for row in connection.execute(select(table))}
        ats = {row.id: row.at for row in past.events}
        assert states == {
            pair: (one.state, one.origin, one.event_id, ats[one.event_id])
            for pair, one in past.now().items()
            if one.state != "unknown"
        }
        self.seen[past.heads[batch_id].kind] += bool(written)


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_follow_the_rules(any_ledger: Ledger, images: list[int], seed: int) -> None:
    run = Run(any_ledger, images[:3], seed)
    for number in range(STEPS):
        run.step(f"{seed} {number}")
    assert min(run.seen[kind] for kind in ("decide", "undo", "redo", "merge")) >= 2, run.seen
