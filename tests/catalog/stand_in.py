"""A stand-in for the ingest: a folder is a dict of contents, and what real workers would report goes to the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog import tables
from catalog.chunks import ClaimedChunk, add_chunks, claim_chunk
from catalog.embeddings import BadPlace, CommitResult, Conflict, DecodedFile, assign_ids, commit_chunk, known_hashes
from catalog.encoders import register
from catalog.jobs import ScanClaim, claim_scan, complete_jobs, create_ingest_job, scan_done
from catalog.ledger import Ledger
from catalog.places import FoundFile, finish_scan, record_files
from catalog.shards import WrittenShard
from catalog.sources import Source, add_source

ENCODER = "e" * 64
OTHER_ENCODER = "f" * 64
BAD = "bad"
Folder = dict[bytes, str]  # path -> content: pixels, and after a bar what does not change them


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def with_encoder(ledger: Ledger, encoder_id: str = ENCODER) -> str:
    register(ledger, id=encoder_id, name="x", dimension=4, input_size=32, folder="f", config={}, metrics={})
    return encoder_id


def with_source(ledger: Ledger, root: str = "/photos", *, labels: bool = False) -> Source:
    return add_source(ledger, Path(root), labels_from_folders=labels)


def found(folder: Folder) -> list[FoundFile]:
    return [
        FoundFile(path=path, size=len(content), mtime_ns=int(digest(content)[:12], 16))
        for path, content in folder.items()
    ]


@dataclass
class Started:
    """A job whose scan is under way."""

    job_id: int
    scan: ScanClaim


def start(ledger: Ledger, source: Source, *, encoder_id: str = ENCODER) -> Started:
    with_encoder(ledger, encoder_id)
    job_id = create_ingest_job(ledger, source_id=source.id, encoder_id=encoder_id, author="wei")
    claim = claim_scan(ledger, worker="w", lease_s=60, job_id=job_id)
    assert claim is not None
    return Started(job_id, claim)


def scan(ledger: Ledger, source: Source, folder: Folder, *, encoder_id: str = ENCODER, size: int = 100) -> int:
    """A whole scan of the folder into chunks of `size`; returns the job."""
    started = start(ledger, source, encoder_id=encoder_id)
    todo = record_files(ledger, job_id=started.job_id, source_id=source.id, files=found(folder))
    parts = [todo[at : at + size] for at in range(0, len(todo), size)]
    add_chunks(ledger, job_id=started.job_id, encoder_id=encoder_id, chunks=parts)
    finish_scan(ledger, started.job_id)
    assert scan_done(ledger, started.scan)
    return started.job_id


def decoded(place_id: int, content: str) -> DecodedFile:
    return DecodedFile(
        place_id=place_id,
        sha256=digest(content),
        pixel_hash=digest("pixels" + content.partition("|")[0]),
        width=640,
        height=480,
        bytes=len(content),
        format="JPEG",
        mtime_ns=int(digest(content)[:12], 16),
        size=len(content),
        thumbnail_offset=place_id * 10,
        thumbnail_length=10,
    )


def claim(ledger: Ledger, *, lease_s: float = 60, worker: str = "w") -> ClaimedChunk:
    chunk = claim_chunk(ledger, worker=worker, lease_s=lease_s)
    assert chunk is not None
    return chunk


def expire(ledger: Ledger) -> None:
    """Let every lease run out, as if all workers had been silent for long."""
    with ledger.write() as connection:
        for table in (tables.chunk, tables.shard):
            connection.execute(table.update().values(lease_until=0.0))
        connection.execute(tables.job.update().values(scan_lease_until=0.0))


def read(chunk: ClaimedChunk, folder: Folder) -> tuple[list[DecodedFile], list[BadPlace]]:
    """What decoding the chunk's files gives."""
    good = [item for item in chunk.items if folder[item.path] != BAD]
    bad = [item for item in chunk.items if folder[item.path] == BAD]
    return (
        [decoded(item.place_id, folder[item.path]) for item in good],
        [BadPlace(item.place_id, "truncated", f"{item.path!r} ends too early") for item in bad],
    )


def shard_of(chunk: ClaimedChunk, image_ids: list[int]) -> WrittenShard | None:
    key = f"shards/{chunk.encoder_id}/{chunk.id}-{chunk.fence}-{len(image_ids)}.safetensors"
    return WrittenShard(key, len(image_ids), digest(key), tuple(image_ids)) if image_ids else None


def commit(ledger: Ledger, chunk: ClaimedChunk, folder: Folder) -> CommitResult:
    """What a worker does with a claimed chunk, the shard written again on a conflict."""
    files, bad = read(chunk, folder)
    known = known_hashes(ledger, encoder_id=chunk.encoder_id, sha256s=[file.sha256 for file in files])
    ids = assign_ids(ledger, chunk, files)
    fresh = list(dict.fromkeys(ids[file.sha256] for file in files if file.sha256 not in known))
    while True:
        result = commit_chunk(
            ledger,
            chunk,
            files=files,
            image_ids=ids,
            bad=bad,
            shard=shard_of(chunk, fresh),
            thumbnail_pack=f"thumbnails/{chunk.id}-{chunk.fence}.pack",
            timings={"decode": 0.5},
        )
        if not isinstance(result, Conflict):
            return result
        fresh = [image_id for image_id in fresh if image_id not in result.image_ids]


def work(ledger: Ledger, folder: Folder) -> None:
    """Do every chunk there is, and end the jobs."""
    while (chunk := claim_chunk(ledger, worker="w", lease_s=60)) is not None:
        assert commit(ledger, chunk, folder) == "committed"
    complete_jobs(ledger)


def ingest(ledger: Ledger, source: Source, folder: Folder, *, encoder_id: str = ENCODER) -> int:
    """Scan and work; returns the job."""
    job_id = scan(ledger, source, folder, encoder_id=encoder_id)
    work(ledger, folder)
    return job_id


def image_of(ledger: Ledger, content: str) -> int:
    from catalog.images import image_by_sha256

    image = image_by_sha256(ledger, digest(content))
    assert image is not None
    return image.id


def fail_after(times: int, work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, until it has run so often: then the machine goes down."""
    calls = iter(range(times))

    def once_more(*arguments: Any, **named: Any) -> Any:
        if next(calls, None) is None:
            raise OSError("the machine went down")
        return work(*arguments, **named)

    return once_more
