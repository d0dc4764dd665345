"""The commit of a chunk, in one transaction under its fence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Delete, Select, bindparam, delete, insert, select, tuple_, update

from catalog import chunk_statements, tables
from catalog.chunks import ClaimedChunk, end_trouble, lock_claimed
from catalog.embedded import embedded_count, known_hashes, locate
from catalog.errors import ClaimLost
from catalog.folder_labels import label_by_folder
from catalog.image_identity import DecodedFile, identify
from catalog.images import note_changes
from catalog.kept_statements import changed_by, rows_from
from catalog.label_gate import keep_labels
from catalog.ledger import Ledger, clock
from catalog.many_rows import insert_many, update_many
from catalog.places import note_bad
from catalog.shards import WrittenShard
from catalog.statements import any_of, built_once, given, packed

__all__ = [
    "BadPlace",
    "CommitResult",
    "Conflict",
    "DecodedFile",
    "assign_ids",
    "commit_chunk",
    "embedded_count",
    "known_hashes",
    "locate",
]


@dataclass(frozen=True)
class BadPlace:
    """A file that could not be used; `kind` is one word, `reason` a sentence for people."""

    place_id: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Conflict:
    """These images have a vector of this encoder in another shard; nothing was written."""

    image_ids: frozenset[int]


class StoredImage(NamedTuple):
    """What the ledger says of an image before this commit."""

    deleted_at: float | None
    thumbnail_pack: str | None


CommitResult = Literal["committed", "lost"] | Conflict

_ANY_BAD = select(tables.bad_file.c.id).where(tables.bad_file.c.job_id == bindparam("job")).limit(1)
_NEW_SHARD = insert(tables.shard).returning(tables.shard.c.id)


def assign_ids(ledger: Ledger, chunk: ClaimedChunk, files: Sequence[DecodedFile]) -> dict[str, int]:
    """sha256 -> image id for every file, with a row for each new image; ClaimLost if the chunk is another worker's.

    A file with new bytes but the pixels that its place had, or that a vanished image had, keeps that image.
    """
    with ledger.write() as connection:
        if not lock_claimed(connection, chunk):
            raise ClaimLost(f"Chunk {chunk.id} is another worker's now; nothing was written.")
        return identify(connection, files, now=clock(connection))


def commit_chunk(
    ledger: Ledger,
    chunk: ClaimedChunk,
    *,
    files: Sequence[DecodedFile],
    image_ids: Mapping[str, int],
    bad: Sequence[BadPlace],
    shard: WrittenShard | None,
    thumbnail_pack: str | None,
    timings: Mapping[str, float],
) -> CommitResult:
    """Make a chunk's results count: its shard, vectors, places, thumbnails, bad files and folder labels, all or none.

    `lost`: the chunk is another worker's, nothing is written. Conflict: nothing is written, write the shard again
    without those images. Once more after `committed`: `committed`, and nothing is written twice.
    """
    inside = set(shard.image_ids) if shard else set()
    if stray := inside - set(image_ids.values()):
        raise ValueError(f"shard {shard.key if shard else ''} holds images that no file has: {sorted(stray)[:5]}")
    with ledger.write() as connection:
        keep_labels(connection)
        if not lock_claimed(connection, chunk):
            return "committed" if _is_done(connection, chunk) else "lost"
        now = clock(connection)
        # The job before images before places, here as in every other transaction: so no two wait for each other.
        end_trouble(connection, chunk.job_id)
        rows = _lock_images(connection, image_ids.values())
        places = _live_places(connection, files)
        # Files of a source or an image that was deleted meanwhile are left out.
        files = [file for file in files if file.place_id in places]
        images = {image_ids[file.sha256] for file in files}
        taken = _embedded(connection, chunk.encoder_id, images)
        if overlap := taken & inside:
            return Conflict(frozenset(overlap))
        fresh = images & inside
        if shard is not None and fresh:
            _write_shard(connection, chunk, shard, fresh, now)
        # An image whose vector was deleted between look-up and commit waits for the next ingest.
        images &= taken | fresh
        files = [file for file in files if image_ids[file.sha256] in images]
        lost = _write_places(connection, files, image_ids, places)
        revived = {image_id for image_id in images if rows[image_id].deleted_at is not None}
        shown = _write_thumbnails(connection, files, image_ids, thumbnail_pack, rows)
        _revive(connection, revived - shown)
        note_bad(connection, job_id=chunk.job_id, bad=[(one.place_id, one.kind, one.reason) for one in bad], now=now)
        _clear_bad(connection, chunk.job_id, files)
        labelled = label_by_folder(connection, [file.place_id for file in files])
        moved = {image_ids[file.sha256] for file in files if places[file.place_id] != image_ids[file.sha256]}
        # What is in the new shard gets its row of the index from there, with the labels and sources of that moment.
        note_changes(connection, (revived | labelled | moved | lost) - fresh)
        embedded = sum(image_ids[file.sha256] in fresh for file in files)
        _finish(
            connection, chunk, now=now, embedded=embedded, known=len(files) - embedded, bad=len(bad), timings=timings
        )
    return "committed"


def _is_done(connection: Connection, chunk: ClaimedChunk) -> bool:
    """Whether the chunk was committed under this very claim: its worker never learnt that it was."""
    table = tables.chunk
    row = connection.execute(select(table.c.state, table.c.fence).where(table.c.id == chunk.id)).one_or_none()
    return row is not None and (row.state, row.fence) == ("done", chunk.fence)


def _live_places(connection: Connection, files: Sequence[DecodedFile]) -> dict[int, int | None]:
    """Place -> the image that it had, of the files whose place was not taken away meanwhile."""
    ids = packed(connection, (file.place_id for file in files))
    return {row[0]: row[1] for row in rows_from(connection, _live(connection), {"given": ids})}


@built_once
def _live(connection: Connection) -> Select[Any]:
    place = tables.place
    query = select(place.c.id, place.c.image_id).where(place.c.id.in_(given(connection)), place.c.state != "gone")
    return query.order_by(place.c.id).with_for_update(key_share=True)


def _lock_images(connection: Connection, image_ids: Iterable[int]) -> dict[int, StoredImage]:
    rows = rows_from(connection, _locked(connection), {"given": packed(connection, image_ids)})
    return {row[0]: StoredImage(*row[1:]) for row in rows}


@built_once
def _locked(connection: Connection) -> Select[Any]:
    image = tables.image
    query = select(image.c.id, image.c.deleted_at, image.c.thumbnail_pack).where(image.c.id.in_(given(connection)))
    return query.order_by(image.c.id).with_for_update(key_share=True)


def _embedded(connection: Connection, encoder_id: str, image_ids: Iterable[int]) -> set[int]:
    asked = {"encoder": encoder_id, "given": packed(connection, image_ids)}
    return {row[0] for row in rows_from(connection, _with_vector(connection), asked)}


@built_once
def _with_vector(connection: Connection) -> Select[Any]:
    embedding = tables.embedding
    query = select(embedding.c.image_id).where(embedding.c.encoder_id == bindparam("encoder"))
    return query.where(embedding.c.image_id.in_(given(connection)))


def _write_shard(
    connection: Connection, chunk: ClaimedChunk, written: WrittenShard, fresh: set[int], now: float
) -> None:
    embedding = tables.embedding
    values = {
        "encoder_id": chunk.encoder_id,
        "chunk_id": chunk.id,
        "key": written.key,
        "rows": written.rows,
        "sha256": written.sha256,
        "created_at": now,
        "lease_until": 0.0,
        "fence": 0,
    }
    [(shard_id,)] = rows_from(connection, _NEW_SHARD, values)
    insert_many(
        connection,
        embedding,
        ("encoder_id", "image_id", "shard_id", "row"),
        [
            (chunk.encoder_id, image_id, shard_id, row)
            for row, image_id in enumerate(written.image_ids)
            if image_id in fresh
        ],
    )


def _write_places(
    connection: Connection,
    files: Sequence[DecodedFile],
    image_ids: Mapping[str, int],
    former: Mapping[int, int | None],
) -> set[int]:
    """Point the places to their images; returns the images that lost a place to another image."""
    update_many(
        connection,
        tables.place,
        ("image_id", "state", "size", "mtime_ns"),
        [(image_ids[file.sha256], "known", file.size, file.mtime_ns, file.place_id) for file in files],
    )
    before = ((former[file.place_id], image_ids[file.sha256]) for file in files)
    return {old for old, new in before if old is not None and old != new}


def _write_thumbnails(
    connection: Connection,
    files: Sequence[DecodedFile],
    image_ids: Mapping[str, int],
    pack: str | None,
    rows: Mapping[int, StoredImage],
) -> set[int]:
    """Say where the thumbnails of the images that have none lie; these images are there from now on, and returned."""
    if pack is None:
        return set()
    made = {
        image_ids[file.sha256]: file
        for file in files
        if file.thumbnail_length and rows[image_ids[file.sha256]].thumbnail_pack is None
    }
    update_many(
        connection,
        tables.image,
        ("deleted_at", "thumbnail_pack", "thumbnail_offset", "thumbnail_length"),
        [(None, pack, file.thumbnail_offset, file.thumbnail_length, image_id) for image_id, file in made.items()],
    )
    return set(made)


def _revive(connection: Connection, image_ids: Collection[int]) -> None:
    image = tables.image
    if image_ids:
        query = update(image).where(image.c.id.in_(any_of(connection, image_ids)))
        connection.execute(query.values(deleted_at=None))


def _clear_bad(connection: Connection, job_id: int, files: Sequence[DecodedFile]) -> None:
    """A file that could be read at a later attempt is no bad file of this job any more."""
    if not rows_from(connection, _ANY_BAD, {"job": job_id}):
        return
    ids = packed(connection, (file.place_id for file in files))
    connection.execute(_bad_before(connection), {"job": job_id, "given": ids})


@built_once
def _bad_before(connection: Connection) -> Delete:
    table, place = tables.bad_file, tables.place
    good = select(place.c.source_id, place.c.path).where(place.c.id.in_(given(connection)))
    return delete(table).where(table.c.job_id == bindparam("job"), tuple_(table.c.source_id, table.c.path).in_(good))


def _finish(
    connection: Connection,
    chunk: ClaimedChunk,
    *,
    now: float,
    embedded: int,
    known: int,
    bad: int,
    timings: Mapping[str, float],
) -> None:
    changed_by(
        connection,
        chunk_statements.UPDATE,
        {
            "of": chunk.id,
            "state": "done",
            "embedded": embedded,
            "known": known,
            "bad": bad,
            "timings": dict(timings),
            "error": None,
            "finished_at": now,
            "lease_until": 0.0,
        },
    )
