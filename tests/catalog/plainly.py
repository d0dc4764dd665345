"""The rules of decisions, undo and merge written out in plain Python over lists, to hold the statements in SQL against.

Nothing here reads the table of states: what holds is the last event of an image and a label, so that both are checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from catalog import tables

Pair = tuple[int, int]
STRENGTH: Mapping[str | None, int] = {"person": 3, "import": 2, "folder": 1, None: 0}


class Written(NamedTuple):
    """What an event says, without whom and when."""

    pair: Pair
    decision: str
    previous: str
    previous_origin: str | None
    origin: str


class Standing(NamedTuple):
    """What holds for a pair."""

    state: str = "unknown"
    origin: str | None = None
    event_id: int = 0


@dataclass(frozen=True)
class Past:
    """All that a ledger knew about labels at one moment."""

    events: Sequence[Row[Any]]
    heads: Mapping[int, Row[Any]]
    merges: Sequence[Row[Any]]
    rivals: Mapping[int, Sequence[int]]

    @classmethod
    def read(cls, connection: Connection) -> Past:
        label, group = tables.label, tables.label_group
        labels = connection.execute(select(label.c.id, label.c.group_id)).all()
        exclusive = set(connection.execute(select(group.c.id).where(group.c.exclusive)).scalars())
        return cls(
            connection.execute(select(tables.label_event).order_by(tables.label_event.c.id)).all(),
            {row.id: row for row in connection.execute(select(tables.label_batch))},
            connection.execute(select(tables.label_merge)).all(),
            {
                one.id: [
                    other.id for other in labels if other.group_id in exclusive & {one.group_id} and other is not one
                ]
                for one in labels
            },
        )

    def now(self) -> dict[Pair, Standing]:
        return {(row.image_id, row.label_id): Standing(row.decision, row.origin, row.id) for row in self.events}

    def merged(self) -> dict[int, int]:
        return {row.label_id: row.into_id for row in self.merges if not row.undone}


def decided(past: Past, decisions: Iterable[tuple[int, int, str]], *, origin: str) -> set[Written]:
    """What decisions amount to, one after the other."""
    base, today = past.now(), past.merged()
    after: dict[Pair, Standing] = {}
    for image, label, decision in decisions:
        while label in today:
            label = today[label]
        now = {**base, **after}
        rivals = [(image, rival) for rival in past.rivals[label]] if decision == "yes" else []
        ended = [pair for pair in rivals if now.get(pair, Standing()).state == "yes"]
        here = now.get((image, label), Standing())
        if origin != "person":
            if "person" in {here.origin, *(now[pair].origin for pair in ended)}:
                continue
            if origin == "folder" and (here.state != "unknown" or ended):
                continue
        after.update({pair: Standing("no", origin) for pair in ended})
        if here.state != decision or (origin == "person" and decision != "unknown"):
            after[image, label] = Standing(decision, origin)
    return {
        Written(pair, new.state, base.get(pair, Standing()).state, base.get(pair, Standing()).origin, origin)
        for pair, new in after.items()
        if new.state != base.get(pair, Standing()).state
        or (new.state != "unknown" and new.origin != base.get(pair, Standing()).origin)
    }


def taken_back(past: Past, target_id: int) -> set[Written]:
    """What comes back when a batch is undone, or an undo is."""
    target, again = past.heads[target_id], past.heads[target_id].kind in {"undo", "redo"}
    joined = [row for row in past.merges if row.batch_id == target.undoes]
    if target.kind == "undo" and joined:
        return moved(past, joined[0].label_id, joined[0].into_id)[0]
    exactly = target.kind == "merge" or any(row.batch_id == target_id for row in past.merges)
    hidden = {row.label_id for row in past.merges if not row.undone and row.batch_id != target_id}
    now, counts = past.now(), _latest(past) if again else _holding(past)
    found: dict[Pair, Written] = {}
    for row in past.events:
        pair = (row.image_id, row.label_id)
        if row.batch_id != target_id or counts[pair] != row.id or row.label_id in hidden:
            continue
        opened = row.previous == "unknown" and row.origin != "person" and not exactly
        origin = "person" if opened else row.previous_origin or "folder"
        found[pair] = Written(pair, row.previous, now[pair].state, now[pair].origin, origin)
    after = {pair: one.state for pair, one in now.items()} | {pair: one.decision for pair, one in found.items()}
    for pair, one in list(found.items()):
        if one.decision == "yes" and any(after.get((pair[0], rival)) == "yes" for rival in past.rivals[pair[1]]):
            after[pair] = one.previous
            del found[pair]
    return set(found.values())


def moved(past: Past, label: int, into: int) -> tuple[set[Written], set[int]]:
    """What a merge writes, and the images about which it cannot know."""
    now, made, contradictions = past.now(), set(), set()
    for (image, of), mine in now.items():
        if of != label or mine.state == "unknown":
            continue
        here, strength = (image, into), STRENGTH[mine.origin]
        theirs = now.get(here, Standing())
        against = [here] if theirs.state not in (mine.state, "unknown") else []
        if mine.state == "yes":
            others = [(image, rival) for rival in past.rivals[into] if rival != label]
            against += [pair for pair in others if now.get(pair, Standing()).state == "yes"]
        strongest = max((STRENGTH[now[pair].origin] for pair in against), default=0)
        if against == [here] and label in past.rivals[into] and strongest == strength:
            strongest += -1 if mine.event_id > theirs.event_id else 1
        if strongest == strength:
            contradictions.add(image)
            continue
        made.add(Written((image, label), "unknown", mine.state, mine.origin, "person"))
        opened = theirs.state == "unknown" and theirs.origin == "person" != mine.origin
        stronger = theirs.state == mine.state and STRENGTH[theirs.origin] >= strength
        if strongest < strength and not opened and not stronger:
            assert mine.origin is not None
            made.add(Written(here, mine.state, theirs.state, theirs.origin, mine.origin))
            made |= {Written(p, "no", now[p].state, now[p].origin, mine.origin) for p in against if p != here}
    return made, contradictions


def _latest(past: Past) -> dict[Pair, int | None]:
    return {(row.image_id, row.label_id): row.id for row in past.events}


def _holding(past: Past) -> dict[Pair, int | None]:
    holding: dict[Pair, int | None] = {}
    before: dict[tuple[int, Pair], int | None] = {}
    for row in past.events:
        pair = (row.image_id, row.label_id)
        before[row.batch_id, pair] = holding.get(pair)
        undoes = past.heads[row.batch_id].undoes
        holding[pair] = row.id if undoes is None else before.get((undoes, pair), row.id)
    return holding
