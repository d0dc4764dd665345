"""The commit of a chunk, in one transaction under its fence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from catalog import tables
from catalog.chunks import ClaimedChunk, end_trouble, lock_claimed
from catalog.embedded import embedded_count, known_hashes, locate
from catalog.errors import ClaimLost
from catalog.folder_labels import label_by_folder
from catalog.image_identity import DecodedFile, identify
from catalog.images import note_changes
from catalog.label_gate import keep_labels
from catalog.ledger import Ledger, clock
from catalog.places import note_bad
from catalog.shards import WrittenShard
from catalog.statements import any_of

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


CommitResult = Literal["committed", "lost"] | Conflict


def assign_ids(ledger: Ledger, chunk: ClaimedChunk, files: Sequence[DecodedFile]) -> dict[str, int]:
    """sha256 -> image id for every file, with a row for each new image; ClaimLost if the chunk is another worker's.

    A file with new bytes but the pixels that its place had, or that a vanished image had, keeps that image.
    """
    with ledger.write() as connection:
        if lock_claimed(connection, chunk) is None:
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
        if lock_claimed(connection, chunk) is None:
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
        files = [file for file in files if image_ids[file.sha256] in taken | fresh]
        images &= taken | fresh
        lost = _write_places(connection, files, image_ids, places)
        revived = {image_id for image_id in images if rows[image_id].deleted_at is not None}
        connection.execute(
            update(tables.image).where(tables.image.c.id.in_(any_of(connection, revived))).values(deleted_at=None)
        )
        _write_thumbnails(connection, files, image_ids, thumbnail_pack, rows)
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
    place = tables.place
    ids = any_of(connection, [file.place_id for file in files])
    query = (
        select(place.c.id, place.c.image_id)
        .where(place.c.id.in_(ids), place.c.state != "gone")
        .order_by(place.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.image_id for row in connection.execute(query)}


def _lock_images(connection: Connection, image_ids: Iterable[int]) -> dict[int, Any]:
    image = tables.image
    query = select(image.c.id, image.c.deleted_at, image.c.thumbnail_pack).where(
        image.c.id.in_(any_of(connection, image_ids))
    )
    rows = connection.execute(query.order_by(image.c.id).with_for_update(key_share=True))
    return {row.id: row for row in rows}


def _embedded(connection: Connection, encoder_id: str, image_ids: Iterable[int]) -> set[int]:
    embedding = tables.embedding
    query = select(embedding.c.image_id).where(
        embedding.c.encoder_id == encoder_id, embedding.c.image_id.in_(any_of(connection, image_ids))
    )
    return set(connection.execute(query).scalars())


def _write_shard(
    connection: Connection, chunk: ClaimedChunk, written: WrittenShard, fresh: set[int], now: float
) -> None:
    shard, embedding = tables.shard, tables.embedding
    values = {
        "encoder_id": chunk.encoder_id,
        "chunk_id": chunk.id,
        "key": written.key,
        "rows": written.rows,
        "sha256": written.sha256,
        "created_at": now,
    }
    shard_id = connection.execute(insert(shard).values(**values).returning(shard.c.id)).scalar_one()
    connection.execute(
        insert(embedding),
        [
            {"encoder_id": chunk.encoder_id, "image_id": image_id, "shard_id": shard_id, "row": row}
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
    place = tables.place
    if files:
        statement = update(place).where(place.c.id == bindparam("at"))
        connection.execute(
            statement.values(
                image_id=bindparam("image"), state="known", size=bindparam("length"), mtime_ns=bindparam("changed")
            ),
            [
                {
                    "at": file.place_id,
                    "image": image_ids[file.sha256],
                    "length": file.size,
                    "changed": file.mtime_ns,
                }
                for file in files
            ],
        )
    before = ((former[file.place_id], image_ids[file.sha256]) for file in files)
    return {old for old, new in before if old is not None and old != new}


def _write_thumbnails(
    connection: Connection,
    files: Sequence[DecodedFile],
    image_ids: Mapping[str, int],
    pack: str | None,
    rows: Mapping[int, Any],
) -> None:
    image = tables.image
    made = {
        image_ids[file.sha256]: file
        for file in files
        if file.thumbnail_length and rows[image_ids[file.sha256]].thumbnail_pack is None
    }
    if pack is None or not made:
        return
    connection.execute(
        update(image)
        .where(image.c.id == bindparam("at"))
        .values(thumbnail_pack=pack, thumbnail_offset=bindparam("offset"), thumbnail_length=bindparam("length")),
        [
            {"at": image_id, "offset": file.thumbnail_offset, "length": file.thumbnail_length}
            for image_id, file in made.items()
        ],
    )


def _clear_bad(connection: Connection, job_id: int, files: Sequence[DecodedFile]) -> None:
    """A file that could be read at a later attempt is no bad file of this job any more."""
    table, place = tables.bad_file, tables.place
    ids = any_of(connection, [file.place_id for file in files])
    good = select(place.c.source_id, place.c.path).where(place.c.id.in_(ids))
    connection.execute(delete(table).where(table.c.job_id == job_id, tuple_(table.c.source_id, table.c.path).in_(good)))


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
    table = tables.chunk
    connection.execute(
        update(table)
        .where(table.c.id == chunk.id)
        .values(
            state="done",
            embedded=embedded,
            known=known,
            bad=bad,
            timings=dict(timings),
            error=None,
            finished_at=now,
            lease_until=0.0,
        )
    )
