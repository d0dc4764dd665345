"""Jobs that embed images with an encoder: all that it lacks, cut into chunks, in one job that is not doubled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select

from catalog import tables
from catalog.chunks import add_chunks
from catalog.encoders import load_encoder
from catalog.ledger import Ledger, clock, writing
from catalog.places import PlaceToDo

UNFINISHED = ("scanning", "running", "paused")
PLACE = (tables.place.c.source_id, tables.place.c.id, tables.place.c.path, tables.place.c.size)


def create_embed_job(
    where: Ledger | Connection, *, encoder_id: str, author: str, chunk_files: int = 512, chunk_mb: int = 256
) -> int:
    """A job that embeds every image that this encoder has not, or the unfinished one that there is; UnknownEncoder."""
    job, place, image, embedding = tables.job, tables.place, tables.image, tables.embedding
    done = exists().where(embedding.c.encoder_id == encoder_id, embedding.c.image_id == image.c.id)
    first = (
        select(func.min(place.c.id))
        .join(image, image.c.id == place.c.image_id)
        .where(place.c.state == "known", image.c.deleted_at.is_(None), ~done)
        .group_by(place.c.image_id)
    )
    with writing(where) as connection:
        load_encoder(connection, encoder_id)
        if (found := unfinished_job(connection, job.c.kind == "embed", job.c.encoder_id == encoder_id)) is not None:
            return found
        rows = connection.execute(select(*PLACE).where(place.c.id.in_(first)).order_by(*PLACE[:2])).all()
        known = connection.execute(
            select(func.count()).select_from(image).where(image.c.deleted_at.is_(None), done)
        ).scalar_one()
        now = clock(connection)
        values = {"kind": "embed", "state": "running", "started_at": now, "scan_done_at": now}
        job_id = create_job(
            connection, encoder_id=encoder_id, author=author, scanned=len(rows) + known, known=known, **values
        )
        chunks = cut(rows, files=chunk_files, size=chunk_mb << 20)
        add_chunks(connection, job_id=job_id, encoder_id=encoder_id, chunks=chunks)
        return job_id


def unfinished_job(connection: Connection, *conditions: Any) -> int | None:
    """The oldest job that has not ended and meets the conditions on `tables.job`."""
    job = tables.job
    query = select(job.c.id).where(job.c.state.in_(UNFINISHED), *conditions).order_by(job.c.id).limit(1)
    return connection.execute(query).scalar_one_or_none()


def create_job(connection: Connection, **values: Any) -> int:
    """Write a job's row; returns its id."""
    job = tables.job
    statement = insert(job).values(created_at=clock(connection), **values).returning(job.c.id)
    return int(connection.execute(statement).scalar_one())


def cut(rows: Iterable[Any], *, files: int, size: int) -> list[list[PlaceToDo]]:
    """Rows of PLACE in its order as chunks, each of one source: a machine may see one of them and not the other."""
    chunks: list[list[PlaceToDo]] = []
    room, source_id = 0, 0
    for row in rows:
        if not chunks or row.source_id != source_id or len(chunks[-1]) >= files or row.size > room:
            chunks.append([])
            room, source_id = size, row.source_id
        chunks[-1].append(PlaceToDo(row.id, bytes(row.path), row.size))
        room -= row.size
    return chunks
