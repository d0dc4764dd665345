"""Reads a ledger and says what of the labels does not add up; shares no code with what writes it.

The journals of the clients say what was acknowledged. All rules are those of docs and API: events are appended and
never changed, each names what it found, and the state of an image and a label is what the last event says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.under_fire.labellers import EXCLUSIVE, Sent
from bench.under_fire.rows import looking

Pair = tuple[int, str]  # image, name of the label


class Row(NamedTuple):
    """An event."""

    id: int
    batch: int
    image: int
    label: str
    decision: str
    previous: str
    previous_origin: str | None
    origin: str

    @property
    def pair(self) -> Pair:
        return self.image, self.label


class Head(NamedTuple):
    """A batch."""

    id: int
    key: str
    kind: str
    size: int
    undoes: int | None


class Labels(NamedTuple):
    """All of a ledger's labels as they were at one moment."""

    events: list[Row]
    heads: dict[int, Head]
    states: dict[Pair, tuple[str, str, int]]
    one_writer: bool = True


def read(ledger: Path | str) -> Labels:
    """One look at a ledger, which may be in use: SQLite's file, or an SQLAlchemy URL."""
    with looking(ledger) as look:
        events = look.rows(
            "SELECT e.id, batch_id, image_id, name, decision, previous, previous_origin, origin"
            " FROM label_event e JOIN label l ON l.id = label_id ORDER BY e.id"
        )
        heads = [Head(*row) for row in look.rows("SELECT id, key, kind, size, undoes FROM label_batch")]
        states = look.rows(
            "SELECT image_id, name, state, origin, event_id FROM label_state JOIN label l ON l.id = label_id"
        )
        return Labels(
            events=[Row(*row) for row in events],
            heads={head.id: head for head in heads},
            states={(row[0], row[1]): (row[2], row[3], row[4]) for row in states},
            one_writer=look.one_writer,
        )


def faults(now: Labels, journals: Sequence[Sequence[Sent]], seen: Iterable[Mapping[int, Row]] = ()) -> list[str]:
    """Everything that is wrong with the labels; `seen`: events as they were found earlier, by id."""
    found = [*_of_events(now), *_of_states(now)]
    by_batch: dict[int, list[Row]] = defaultdict(list)
    for row in now.events:
        by_batch[row.batch].append(row)
    found += [
        f"batch {head.id} says {head.size} events and has {len(by_batch[head.id])}"
        for head in now.heads.values()
        if head.size != len(by_batch[head.id])
    ]
    current = {row.id: row for row in now.events}
    for moment in seen:
        found += [
            f"event {number} is gone or was changed: {row}"
            for number, row in moment.items()
            if current.get(number) != row
        ]
    keys = [sent.key for journal in journals for sent in journal]
    written = [head.key for head in now.heads.values() if head.key.startswith("labeller ")]
    if sorted(keys) != sorted(written):
        found.append(f"keys that were acknowledged and those in the ledger differ: {set(keys) ^ set(written)}")
    before = _found_by_each_batch(now)
    for journal in journals:
        batches = [sent.batch for sent in journal]
        if batches != sorted(set(batches)):
            found.append(f"the batches of {journal[0].key} and on are not in the order of their answers")
        for sent in journal:
            head = now.heads.get(sent.batch)
            if head is None or (head.key, head.kind) != (sent.key, sent.kind):
                found.append(f"acknowledged batch {sent.batch} of {sent.key} is not there: {head}")
            elif sent.batch not in before:
                found += [f"{sent.key} was told {sent.applied} and has no event"] if sent.applied else []
            elif sent.kind == "decide":
                found += _of_decision(sent, by_batch[sent.batch], before[sent.batch])
            else:
                found += _of_undo(sent, head, now, by_batch, before[sent.batch])
    return found


def _of_events(now: Labels) -> list[str]:
    """Numbers without a gap, in the order of the batches, and each event with what the one before it says."""
    found: list[str] = []
    last: dict[Pair, Row] = {}
    batch = 0
    if now.one_writer and [row.id for row in now.events] != list(range(1, len(now.events) + 1)):
        found.append("the events are not numbered from 1 on without a gap")
    for row in now.events:
        said = last.get(row.pair)
        if (row.previous, row.previous_origin) != ((said.decision, said.origin) if said else ("unknown", None)):
            found.append(f"{row} does not continue {said}")
        by_folder = row.batch in now.heads and now.heads[row.batch].kind == "folder"
        if row.origin == "folder" and said and said.origin == "person" and by_folder:
            found.append(f"{row}: a folder has overruled a person")
        if now.one_writer and row.batch < batch:
            found.append(f"{row} comes after an event of batch {batch}")
        batch, last[row.pair] = row.batch, row
    return found


def _of_states(now: Labels) -> list[str]:
    """Each state is what the last event says, and open pairs have none."""
    last = {row.pair: row for row in now.events}
    follows = {pair: (row.decision, row.origin, row.id) for pair, row in last.items() if row.decision != "unknown"}
    wrong = {pair for pair in follows.keys() | now.states.keys() if follows.get(pair) != now.states.get(pair)}
    found = [f"state of {pair} is {now.states.get(pair)}, by the events {follows.get(pair)}" for pair in sorted(wrong)]
    both: dict[int, set[str]] = defaultdict(set)
    for (image, label), (state, _, _) in now.states.items():
        if label in EXCLUSIVE and state == "yes":
            both[image].add(label)
    return found + [f"image {image} is {labels}" for image, labels in both.items() if len(labels) > 1]


def _found_by_each_batch(now: Labels) -> dict[int, dict[Pair, Row]]:
    """Batch -> the last event of each pair before it.

    PostgreSQL takes in several batches at a time, and each holds its images from before its first event to its end: of
    these, nothing comes between. One without events has no such moment there, and is left out; where there is one
    writer, it found what the batch before it left.
    """
    last: dict[Pair, Row] = {}
    found: dict[int, dict[Pair, Row]] = {}
    if not now.one_writer:
        for row in now.events:
            if row.batch not in found:
                found[row.batch] = dict(last)
            last[row.pair] = row
        return found
    at = 0
    for number in sorted(now.heads):
        found[number] = dict(last)
        while at < len(now.events) and now.events[at].batch <= number:
            last[now.events[at].pair] = now.events[at]
            at += 1
    return found


def _of_decision(sent: Sent, rows: list[Row], before: Mapping[Pair, Row]) -> list[str]:
    """An event for each image that the decision changed, none for the others, and a no for the label's rivals."""
    changed, rivals = set(), set()
    for image in sent.images:
        said = before.get((image, sent.label))
        if sent.decision == "unknown":
            changes = said is not None and said.decision != "unknown"
        else:
            changes = said is None or (said.decision, said.origin) != (sent.decision, "person")
        changed |= {(image, sent.label, sent.decision)} if changes else set()
        for rival in set(EXCLUSIVE) - {sent.label} if sent.label in EXCLUSIVE and sent.decision == "yes" else ():
            ended = before.get((image, rival))
            rivals |= {(image, rival, "no")} if ended and ended.decision == "yes" else set()
    written = [(row.image, row.label, row.decision) for row in rows]
    if sorted(written) != sorted(changed | rivals) or {row.origin for row in rows} - {"person"}:
        return [f"{sent.key} must have written {sorted(changed | rivals)} and has {sorted(written)}"]
    if (sent.applied, sent.unchanged) != (len(changed), len(sent.images) - len(changed)):
        return [f"{sent.key} was told {sent.applied} and changed {len(changed)}"]
    return []


def _of_undo(
    sent: Sent, head: Head, now: Labels, by_batch: Mapping[int, list[Row]], before: Mapping[Pair, Row]
) -> list[str]:
    """An event that puts back what was before, for each that nothing has followed; none for what it did not touch."""
    undone = now.heads.get(head.undoes or 0)
    first = now.heads.get(undone.undoes or 0) if undone and sent.kind == "redo" else undone
    if undone is None or first is None or first.id != sent.target:
        return [f"{sent.key} is of {sent.target}, and its batch takes back {undone}"]
    back = {row.pair: row.previous for row in by_batch[undone.id]}
    must = {row.pair for row in by_batch[undone.id] if before[row.pair] == row and row.label not in EXCLUSIVE}
    written = [row.pair for row in by_batch[head.id]]
    found = []
    if not must <= set(written) <= back.keys() or len(written) != len(set(written)):
        found.append(f"{sent.key} must have put back {sorted(must)} and has {sorted(written)}")
    found += [
        f"{row} puts back something else than {back.get(row.pair)}"
        for row in by_batch[head.id]
        if row.decision != back.get(row.pair)
    ]
    if sent.applied != len(written) or sent.unchanged != len(back) - len(written):
        found.append(f"{sent.key} was told {sent.applied} and put back {len(written)}")
    return found
