"""Labels from the names of folders, given where nobody has said anything yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Select, select

from catalog import tables
from catalog.kept_statements import rows_from
from catalog.label_batches import open_batch, planned, write_events
from catalog.label_events import UNDECIDED, Decision, decide, lock_images, rivals_of, standings
from catalog.label_merges import merged_into
from catalog.label_names import colour_of, folder_label
from catalog.ledger import clock
from catalog.statements import any_of_text, built_once, given, insert_or, packed

AUTHOR = "folder"


def label_by_folder(connection: Connection, place_ids: Iterable[int]) -> set[int]:
    """Label the images of these places by their folders, in sources where that is wanted; returns the images labelled.

    A person's decision, an import's, or an earlier folder's is never changed. The transaction has begun with
    `keep_labels`.
    """
    rows = rows_from(connection, _named_by_folder(connection), {"given": packed(connection, place_ids)})
    named = [(image_id, folder_label(bytes(path))) for image_id, path in rows]
    wanted = [(image_id, name) for image_id, name in named if name is not None]
    if not wanted:
        return set()
    names = {name for _, name in wanted}
    images = {image_id for image_id, _ in wanted}
    if _all_said(connection, wanted, _known(connection, names)):
        return set()  # a folder that was ingested before
    # Images before labels: a commit that makes the same new label has its images locked already.
    lock_images(connection, images)
    labels = _ensure(connection, names)
    rivals = rivals_of(connection, set(labels.values()))
    base = standings(connection, images, set(rivals) | {rival for group in rivals.values() for rival in group})
    decisions = [Decision(image_id, labels[name], "yes") for image_id, name in wanted]
    events = decide(decisions, origin="folder", base=base, rivals=rivals)
    if events:
        key = f"folder:{uuid4().hex}"
        batch = open_batch(connection, key=key, kind="folder", author=AUTHOR, at=clock(connection))
        if batch is not None:  # a key that was made this moment is free
            write_events(connection, batch, planned(connection, events.values()))
    return {image_id for image_id, _ in events}


@built_once
def _named_by_folder(connection: Connection) -> Select[Any]:
    place, source = tables.place, tables.source
    query = select(place.c.image_id, place.c.path).join(source, source.c.id == place.c.source_id)
    wanted = (place.c.id.in_(given(connection)), source.c.labels_from_folders, place.c.image_id.is_not(None))
    return query.where(*wanted).order_by(place.c.id)


def _all_said(connection: Connection, wanted: Sequence[tuple[int, str]], labels: Mapping[str, int]) -> bool:
    if any(name not in labels for _, name in wanted):
        return False
    present = standings(connection, {image_id for image_id, _ in wanted}, labels.values())
    return all(present.get((image_id, labels[name]), UNDECIDED).state != "unknown" for image_id, name in wanted)


def _known(connection: Connection, names: set[str]) -> dict[str, int]:
    """Name -> the label that it means today, of those that there are."""
    label = tables.label
    query = select(label.c.name, label.c.id).where(label.c.name.in_(any_of_text(connection, names)))
    found: dict[str, int] = {row.name: row.id for row in connection.execute(query)}
    today = merged_into(connection, set(found.values()))
    return {name: today[label_id] for name, label_id in found.items()}


def _ensure(connection: Connection, names: set[str]) -> dict[str, int]:
    label = tables.label
    found = _known(connection, names)
    for name in sorted(names - found.keys()):
        number = len(connection.execute(select(label.c.id)).all())
        made = insert_or(connection, label).values(name=name, colour=colour_of(number), created_at=clock(connection))
        connection.execute(made.on_conflict_do_nothing(index_elements=["name"]))
    return _known(connection, names) if names - found.keys() else found
