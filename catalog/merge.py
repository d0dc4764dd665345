"""Merging one label into another: the decisions move over as events of one batch, and one undo takes them back.

What was decided about the merged label goes over to the other one, image by image, by these rules:

- a yes and a no go where nothing was said; a yes beats an open question, and so does a no;
- of two decisions that disagree the stronger one holds: a person's before an import's before a folder's;
- of two equally strong ones that disagree none is taken: both stay as they are and are counted as contradictions. A
  label of the same exclusive group that the image is already disagrees too. Between two labels of one exclusive group
  the later decision holds, because there the one's yes has made the other one's no.

With no contradiction left the merged label leaves the lists, and its name means the other label from then on. With some
left it stays, holding just these images: decide them, then merge again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from catalog import tables
from catalog.errors import InvalidKey, InvalidLabel, UnknownLabel
from catalog.images import note_changes
from catalog.label_events import (
    LONGEST_KEY,
    UNDECIDED,
    Batch,
    Event,
    Origin,
    Pair,
    Standing,
    lock_images,
    open_batch,
    rivals_of,
    standings,
    write_events,
)
from catalog.label_gate import change_labels
from catalog.label_merges import merged
from catalog.ledger import Ledger, clock
from catalog.statements import any_of

_STRENGTH: Mapping[Origin | None, int] = {"person": 3, "import": 2, "folder": 1, None: 0}


@dataclass(frozen=True)
class MergeResult:
    """What became of a merge, in images: `moved` left the merged label, `contradictions` stayed.

    `repeated`: its key was used before and nothing was written now.
    """

    batch_id: int
    moved: int
    contradictions: int
    repeated: bool


@dataclass(frozen=True)
class MergePlan:
    """What a merge would do, in images, each counted once of `yes`, `no`, `same` and `contradictions`.

    `yes` become the other label, `no` are ruled out for it, `same` leave it as it is, `contradictions` stay. `ended`
    counts images that another label of its exclusive group is taken from.
    """

    yes: int
    no: int
    same: int
    contradictions: int
    ended: int


def plan_merge(ledger: Ledger, label_id: int, *, into: int) -> MergePlan:
    """What `merge_label` would do now; nothing is written. UnknownLabel, InvalidLabel."""
    with ledger.read() as connection:
        made = [events for _, _, events in _settled(connection, label_id, into)]
    there = [{event.pair[1]: event.decision for event in events} for events in made if events is not None]
    said = [one.get(into) for one in there]
    return MergePlan(
        yes=said.count("yes"),
        no=said.count("no"),
        same=said.count(None),
        contradictions=made.count(None),
        ended=sum(len(one) > 1 for one in there),
    )


def merge_label(ledger: Ledger, label_id: int, *, into: int, author: str, key: str) -> MergeResult:
    """Merge a label into another one, as the module says; UnknownLabel, InvalidLabel, InvalidKey."""
    if not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidKey(f"The key of a batch has 1 to {LONGEST_KEY} characters, not {len(key)}.")
    head = tables.label_batch
    with ledger.write() as connection:
        change_labels(connection)
        batch = open_batch(connection, key=key, kind="merge", author=author, at=clock(connection))
        if batch is None:
            former = connection.execute(select(head.c.id).where(head.c.key == key)).scalar_one()
            left = select(func.count()).where(tables.label_state.c.label_id == label_id)
            return MergeResult(
                former, _moved(connection, former, label_id), connection.execute(left).scalar_one(), repeated=True
            )
        moved, contradictions = write_merge(connection, batch, label_id, into)
    return MergeResult(batch.id, moved, contradictions, repeated=False)


def write_merge(connection: Connection, batch: Batch, label_id: int, into: int) -> tuple[int, int]:
    """Merge within a batch that is open; returns (images moved, contradictions). UnknownLabel, InvalidLabel.

    The transaction has begun with `change_labels`.
    """
    merge = tables.label_merge
    events: dict[Pair, Event] = {}
    contradictions = 0
    for pair, mine, made in _settled(connection, label_id, into, lock=True):
        if made is None:
            contradictions += 1
            continue
        events |= {event.pair: event for event in made}
        events[pair] = Event(pair, "unknown", "person", mine)
    write_events(connection, batch, events.values())
    note_changes(connection, {image_id for image_id, _ in events})
    if not contradictions:
        values = {"batch_id": batch.id, "label_id": label_id, "into_id": into, "undone": False}
        connection.execute(insert(merge).values(**values))
    return sum(label == label_id for _, label in events), contradictions


def _settled(
    connection: Connection, label_id: int, into: int, *, lock: bool = False
) -> list[tuple[Pair, Standing, list[Event] | None]]:
    """Each decision about the label, by image, with the events that carry it over, None for a contradiction."""
    state = tables.label_state
    _check(connection, label_id, into)
    images = set(connection.execute(select(state.c.image_id).where(state.c.label_id == label_id)).scalars())
    if lock:
        lock_images(connection, images)
    rivals = rivals_of(connection, [into])[into]
    now = standings(connection, images, {label_id, into, *rivals})
    mine = {(image_id, label_id): now.get((image_id, label_id), UNDECIDED) for image_id in sorted(images)}
    return [
        (pair, one, _settle(pair[0], one, into, label_id, rivals, now))
        for pair, one in mine.items()
        if one.state != "unknown"
    ]


def _settle(
    image_id: int, mine: Standing, into: int, label_id: int, rivals: Sequence[int], now: Mapping[Pair, Standing]
) -> list[Event] | None:
    """The events that carry one image's decision over, None for a contradiction."""
    here = (image_id, into)
    theirs = now.get(here, UNDECIDED)
    strength = _STRENGTH[mine.origin]
    against = [here] if theirs.state not in (mine.state, "unknown") else []
    if mine.state == "yes":
        others = [(image_id, rival) for rival in rivals if rival != label_id]
        against += [other for other in others if now.get(other, UNDECIDED).state == "yes"]
    strongest = max((_STRENGTH[now[pair].origin] for pair in against), default=0)
    if against == [here] and label_id in rivals and strongest == strength:
        strongest = strength - 1 if (mine.event_id or 0) > (theirs.event_id or 0) else strength + 1
    if strongest == strength:
        return None
    opened_by_person = theirs.state == "unknown" and theirs.origin == "person" and mine.origin != "person"
    if strongest > strength or opened_by_person:
        return []
    if theirs.state == mine.state and _STRENGTH[theirs.origin] >= strength:
        return []
    origin = mine.origin or "person"
    ended = [Event(pair, "no", origin, now[pair]) for pair in against if pair != here]
    return [Event(here, mine.state, origin, theirs), *ended]


def _check(connection: Connection, label_id: int, into: int) -> None:
    label = tables.label
    both = select(label.c.id, label.c.name).where(label.c.id.in_(any_of(connection, [label_id, into])))
    names: dict[int, str] = {row.id: row.name for row in connection.execute(both)}
    if missing := {label_id, into} - names.keys():
        raise UnknownLabel(missing)
    if label_id == into:
        raise InvalidLabel(f"{names[into]} cannot be merged into itself: choose another label.")
    away = merged(connection)
    for one in (label_id, into):
        if one in away:
            raise InvalidLabel(f"{names[one]} has been merged into another label: undo that first.")


def _moved(connection: Connection, batch_id: int, label_id: int) -> int:
    event = tables.label_event
    query = select(func.count()).where(event.c.batch_id == batch_id, event.c.label_id == label_id)
    return int(connection.execute(query).scalar_one())
