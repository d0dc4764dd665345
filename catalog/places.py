"""Files that a scan finds: which of them are known, which have to be read, and which are gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, or_, select, update

from catalog import tables
from catalog.errors import ClaimLost, UnknownJob
from catalog.folder_labels import label_by_folder
from catalog.images import LIVE_PLACE, PlaceOf, note_changes, places_of
from catalog.label_gate import keep_labels
from catalog.ledger import Ledger
from catalog.plain_text import plain_text
from catalog.statements import any_of, insert_or, slices

__all__ = [
    "FoundFile",
    "PlaceOf",
    "PlaceToDo",
    "count_there",
    "finish_scan",
    "forget_seen",
    "hold_scan",
    "note_bad",
    "places_of",
    "record_files",
]

PATHS_AT_ONCE = 500
PLACES_AT_ONCE = 2000
TRIED = ("known", "bad")
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class FoundFile:
    """A file as the scan sees it; `path` is relative to the source's root."""

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class PlaceToDo:
    """A file that has to be read."""

    place_id: int
    path: bytes
    size: int


def record_files(
    ledger: Ledger, *, job_id: int, source_id: int, files: Sequence[FoundFile], fence: int | None = None
) -> list[PlaceToDo]:
    """Write down what the scan saw; returns the files to read, in the order given.

    A file with the size and time that it had, whose image the job's encoder has embedded, only counts as known; one
    that could not be read last time is tried again; one that waits in a chunk of this job already is left out.
    A job that has ended records nothing. With `fence`, ClaimLost when the scan is another worker's.
    """
    found = {file.path: file for file in files}
    place, job = tables.place, tables.job
    with ledger.write() as connection:
        keep_labels(connection)
        scan = hold_scan(connection, job_id, fence)
        if scan.state in ENDED:
            return []  # cancelled, or its source was deleted
        rows = _rows(connection, source_id, found)
        fresh = [file for path, file in found.items() if path not in rows]
        if fresh:
            values = {"source_id": source_id, "state": "new", "seen_by_job": job_id}
            statement = insert_or(connection, place).on_conflict_do_nothing(index_elements=["source_id", "path"])
            connection.execute(
                statement, [{**values, "path": one.path, "size": one.size, "mtime_ns": one.mtime_ns} for one in fresh]
            )
            rows |= _rows(connection, source_id, [file.path for file in fresh])
        ids = [row.id for row in rows.values()]
        # A scan that begins again meets its own chunks.
        waiting, done = _in_chunks(connection, job_id, ids)
        embedded = _embedded(connection, scan.encoder_id, ids)
        unchanged = {row.id for path, row in rows.items() if _same(row, found[path])}
        known = embedded & unchanged - waiting - done
        done &= unchanged
        tried = waiting | {row.id for row in rows.values() if row.id in done and row.state in TRIED}
        connection.execute(
            update(job)
            .where(job.c.id == job_id)
            .values(scanned=job.c.scanned + len(found), known=job.c.known + len(known))
        )
        note_changes(connection, label_by_folder(connection, embedded & unchanged))
        _note_seen(connection, job_id, found, rows)
        leave = known | tried
        return [PlaceToDo(rows[path].id, path, found[path].size) for path in found if rows[path].id not in leave]


def count_there(ledger: Ledger, source_id: int) -> int:
    """How many files of a source show an image, or are about to."""
    place = tables.place
    with ledger.read() as connection:
        query = select(func.count()).where(place.c.source_id == source_id, place.c.state.in_(LIVE_PLACE))
        return int(connection.execute(query).scalar_one())


def forget_seen(ledger: Ledger, job_id: int, *, fence: int, tick: Callable[[], None]) -> None:
    """A scan that begins again has seen nothing yet: what its first attempt saw may have gone since."""
    place = tables.place
    for rows in _pages(ledger, job_id, fence, place.c.seen_by_job == job_id):
        tick()
        with ledger.write() as connection:
            hold_scan(connection, job_id, fence)
            _lock(connection, [row.id for row in rows])
            # An older scan must still take them for seen.
            seen = update(place).where(place.c.id.in_(any_of(connection, [row.id for row in rows])))
            connection.execute(seen.where(place.c.seen_by_job == job_id).values(seen_by_job=job_id - 1))


def finish_scan(
    ledger: Ledger,
    job_id: int,
    *,
    fence: int | None = None,
    hidden: Collection[bytes] = (),
    tick: Callable[[], None] = lambda: None,
) -> int:
    """Mark the places that this scan did not see as gone, those in `hidden` folders aside; returns how many.

    Their images stay until the job is done: the same bytes may turn up in another place. With `fence`, ClaimLost when
    the scan is another worker's.
    """
    place = tables.place
    missing = (
        place.c.state != "gone",
        # What a younger scan of the same source has seen is there, whatever this one saw.
        or_(place.c.seen_by_job.is_(None), place.c.seen_by_job < job_id),
    )
    gone = 0
    for rows in _pages(ledger, job_id, fence, *missing):
        tick()
        lost = [row for row in rows if not _below(bytes(row.path), hidden)]
        with ledger.write() as connection:
            hold_scan(connection, job_id, fence)
            note_changes(connection, {row.image_id for row in lost if row.image_id is not None})
            ids = [row.id for row in lost]
            _lock(connection, ids)
            still = update(place).where(place.c.id.in_(any_of(connection, ids)), *missing)
            gone += connection.execute(still.values(state="gone")).rowcount
    return gone


def note_bad(connection: Connection, *, job_id: int, bad: Sequence[tuple[int, str, str]], now: float) -> None:
    """Report (place id, kind, reason) in the job's list of bad files, and give up the places that were to be read.

    A file that the scan found unchanged still shows its image: that it cannot be read now may pass. One that changed
    does not, but its place remembers the image, for the day when the file can be read again.
    """
    place, table = tables.place, tables.bad_file
    if not bad:
        return
    reasons = {place_id: (kind, plain_text(reason)) for place_id, kind, reason in bad}
    columns = (place.c.id, place.c.source_id, place.c.path, place.c.state, place.c.image_id)
    rows = connection.execute(
        select(*columns).where(place.c.id.in_(any_of(connection, reasons)), place.c.state != "gone")
    ).all()
    if not rows:
        return
    statement = insert_or(connection, table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["job_id", "source_id", "path"],
            set_={name: statement.excluded[name] for name in ("kind", "reason", "at")},
        ),
        [
            {
                "job_id": job_id,
                "source_id": row.source_id,
                "path": row.path,
                "kind": reasons[row.id][0][:32],
                "reason": reasons[row.id][1],
                "at": now,
            }
            for row in rows
        ],
    )
    given_up = [row for row in rows if row.state != "known"]
    ids = any_of(connection, [row.id for row in given_up])
    connection.execute(update(place).where(place.c.id.in_(ids)).values(state="bad"))
    note_changes(connection, {row.image_id for row in given_up if row.image_id is not None})


def hold_scan(connection: Connection, job_id: int, fence: int | None) -> Row[Any]:
    """The job's row, kept as it is until the transaction ends. ClaimLost: it is not this fence's scan; UnknownJob."""
    job = tables.job
    scan = connection.execute(select(job).where(job.c.id == job_id).with_for_update(key_share=True)).one_or_none()
    if scan is None:
        raise UnknownJob(job_id)
    if fence is not None and (scan.scan_fence, scan.state) != (fence, "scanning"):
        raise ClaimLost(f"The scan of job {job_id} was stopped, or is another worker's.")
    return scan


def _pages(ledger: Ledger, job_id: int, fence: int | None, *which: ColumnElement[bool]) -> Iterator[Sequence[Any]]:
    """The places of the job's source that are so, some at a time: no transaction goes over all of them."""
    place = tables.place
    with ledger.write() as connection:
        source_id = hold_scan(connection, job_id, fence).source_id
    query = select(place.c.id, place.c.path, place.c.image_id).where(place.c.source_id == source_id, *which)
    last = 0
    while True:
        with ledger.read() as connection:
            page = query.where(place.c.id > last).order_by(place.c.id).limit(PLACES_AT_ONCE)
            rows = connection.execute(page).all()
        if not rows:
            return
        last = rows[-1].id
        yield rows


def _below(path: bytes, folders: Collection[bytes]) -> bool:
    parts = path.split(b"/")
    return bool(folders) and any(b"/".join(parts[:depth]) in folders for depth in range(1, len(parts)))


def _lock(connection: Connection, ids: Sequence[int]) -> None:
    """By id, as a commit does: two that change the same places wait in line, and not for each other."""
    place = tables.place
    query = select(place.c.id).where(place.c.id.in_(any_of(connection, ids))).order_by(place.c.id)
    connection.execute(query.with_for_update(key_share=True)).all()


def _rows(connection: Connection, source_id: int, paths: Iterable[bytes]) -> dict[bytes, Any]:
    place = tables.place
    columns = (place.c.id, place.c.path, place.c.size, place.c.mtime_ns, place.c.image_id, place.c.state)
    found: dict[bytes, Any] = {}
    for part in slices(list(paths), PATHS_AT_ONCE):
        query = select(*columns).where(place.c.source_id == source_id, place.c.path.in_(part))
        found.update({bytes(row.path): row for row in connection.execute(query)})
    return found


def _same(row: Any, file: FoundFile) -> bool:
    return (row.size, row.mtime_ns) == (file.size, file.mtime_ns)


def _note_seen(connection: Connection, job_id: int, found: dict[bytes, FoundFile], rows: dict[bytes, Any]) -> None:
    place = tables.place
    later = case((place.c.seen_by_job > job_id, place.c.seen_by_job), else_=job_id)
    ids = [row.id for row in rows.values()]
    _lock(connection, ids)
    connection.execute(update(place).where(place.c.id.in_(any_of(connection, ids))).values(seen_by_job=later))
    back = [row.id for path, row in rows.items() if row.state == "gone" and _same(row, found[path])]
    connection.execute(update(place).where(place.c.id.in_(any_of(connection, back))).values(state="new"))
    # The image that a changed file had stays with it until the file has been read.
    changed = [(row.id, found[path]) for path, row in rows.items() if not _same(row, found[path])]
    for place_id, file in changed:
        connection.execute(
            update(place).where(place.c.id == place_id).values(state="new", size=file.size, mtime_ns=file.mtime_ns)
        )


def _in_chunks(connection: Connection, job_id: int, ids: Sequence[int]) -> tuple[set[int], set[int]]:
    """Of the places: those in chunks of this job that wait or are worked on, and those in its other chunks."""
    chunk, member = tables.chunk, tables.chunk_place
    query = (
        select(member.c.place_id, chunk.c.state)
        .join(chunk, chunk.c.id == member.c.chunk_id)
        .where(chunk.c.job_id == job_id, member.c.place_id.in_(any_of(connection, ids)))
    )
    rows = connection.execute(query).all()
    return (
        {row.place_id for row in rows if row.state in {"open", "claimed"}},
        {row.place_id for row in rows if row.state in {"done", "failed"}},
    )


def _embedded(connection: Connection, encoder_id: str, ids: Sequence[int]) -> set[int]:
    """Of the places: those whose image is there and has a vector of this encoder."""
    place, image, embedding = tables.place, tables.image, tables.embedding
    # Two steps: as one join SQLite begins with all that the encoder has embedded, again for every run of files.
    known = connection.execute(
        select(place.c.id, place.c.image_id).where(
            place.c.id.in_(any_of(connection, ids)), place.c.state == "known", place.c.image_id.is_not(None)
        )
    ).all()
    query = (
        select(embedding.c.image_id)
        .join(image, image.c.id == embedding.c.image_id)
        .where(
            embedding.c.encoder_id == encoder_id,
            embedding.c.image_id.in_(any_of(connection, {row.image_id for row in known})),
            image.c.deleted_at.is_(None),
        )
    )
    there = set(connection.execute(query).scalars())
    return {row.id for row in known if row.image_id in there}
