"""Chunks for images that an encoder has no vector of, or none any more, so that the embed workers make them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, exists, func, select, update

from catalog import tables
from catalog.chunks import add_chunks
from catalog.embed_jobs import PLACE, create_embed_job, cut
from catalog.ledger import Ledger, writing
from catalog.statements import any_of

CHUNK_FILES = 512
CHUNK_BYTES = 256 << 20


def embed_lacking(where: Ledger | Connection, encoder_id: str, *, author: str) -> int | None:
    """Have every image embedded that has a file and no vector of this encoder; the job's id, None if there is none."""
    image, embedding, place = tables.image, tables.embedding, tables.place
    done = exists().where(embedding.c.encoder_id == encoder_id, embedding.c.image_id == image.c.id)
    there = exists().where(place.c.image_id == image.c.id, place.c.state == "known")
    with writing(where) as connection:
        query = select(image.c.id).where(image.c.deleted_at.is_(None), ~done, there)
        lacking = list(connection.scalars(query))
        return embed_again(connection, encoder_id, lacking, author=author) if lacking else None


def embed_again(
    where: Ledger | Connection, encoder_id: str, image_ids: Iterable[int], *, author: str = "repair"
) -> int:
    """Have images without a vector of this encoder embedded by a job; returns the job's id.

    An embed job that is not finished yet takes them up: it was cut into chunks when they still had their vectors. One
    that somebody has paused stays so.
    """
    job, chunk, member, place = tables.job, tables.chunk, tables.chunk_place, tables.place
    with writing(where) as connection:
        job_id = create_embed_job(connection, encoder_id=encoder_id, author=author)
        taken = (
            select(place.c.image_id)
            .join(member, member.c.place_id == place.c.id)
            .join(chunk, chunk.c.id == member.c.chunk_id)
            .where(chunk.c.job_id == job_id, chunk.c.state.in_(("open", "claimed")), place.c.image_id.is_not(None))
        )
        first = (
            select(func.min(place.c.id))
            .where(place.c.image_id.in_(any_of(connection, image_ids)), place.c.state == "known")
            .where(place.c.image_id.not_in(taken))
            .group_by(place.c.image_id)
        )
        rows = connection.execute(select(*PLACE).where(place.c.id.in_(first)).order_by(*PLACE[:2])).all()
        if rows:
            chunks = cut(rows, files=CHUNK_FILES, size=CHUNK_BYTES)
            add_chunks(connection, job_id=job_id, encoder_id=encoder_id, chunks=chunks)
            connection.execute(update(job).where(job.c.id == job_id).values(scanned=job.c.scanned + len(rows)))
    return job_id
