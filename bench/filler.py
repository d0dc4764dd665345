"""More images in a catalog than there are photos: vectors beside real ones, written through the catalog's own calls."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.chunks import add_chunks, claim_chunk
from catalog.embedded import locate
from catalog.embeddings import DecodedFile, assign_ids, commit_chunk
from catalog.encoders import Encoder
from catalog.jobs import claim_scan, complete_jobs, create_ingest_job, scan_done
from catalog.ledger import Ledger
from catalog.places import FoundFile, record_files
from catalog.shards import read_shard, write_shard
from catalog.sources import add_source

Vectors = np.ndarray[Any, np.dtype[np.float32]]
Ids = np.ndarray[Any, np.dtype[np.int64]]
PER_CHUNK = 2000
LEASE_S = 600.0
# Of the noise, as a share of a vector's length: neighbours stay neighbours, and no two vectors are alike.
NOISE = 0.5


def all_vectors(ledger: Ledger, store: ArtifactStore, *, encoder: Encoder, image_ids: Ids) -> tuple[Ids, Vectors]:
    """Ids (n,) and vectors (n, d) of these images, from their shards."""
    located = locate(ledger, encoder_id=encoder.id, image_ids=image_ids.tolist())
    ids, vectors = [], []
    for key in sorted({key for key, _ in located.values()}):
        shard = read_shard(store, key)
        wanted = np.array([located.get(int(one), ("", -1))[0] == key for one in shard.ids], dtype=bool)
        ids.append(shard.ids[wanted])
        vectors.append(shard.vectors[wanted])
    return np.concatenate(ids), np.concatenate(vectors)


def noisy(real: Vectors, count: int, *, seed: int) -> Vectors:
    """(count, d) unit vectors: real ones drawn at random, with noise of the same spread in each dimension."""
    random = np.random.default_rng(seed)
    chosen = real[random.integers(0, len(real), size=count)]
    spread = real.std(axis=0)
    noise = random.normal(size=chosen.shape).astype(np.float32) * spread
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    mixed = chosen + noise
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)


def fill(ledger: Ledger, store: ArtifactStore, *, encoder: Encoder, vectors: Vectors, root: Path) -> int:
    """A source `root` with one image for each vector (n, d), without picture files; returns its job, not yet indexed.

    No worker may be running: it would look for the files.
    """
    source = add_source(ledger, root)
    job_id = create_ingest_job(ledger, source_id=source.id, encoder_id=encoder.id, author="bench")
    scan = claim_scan(ledger, worker="bench", lease_s=LEASE_S, job_id=job_id)
    if scan is None:
        raise RuntimeError("a worker took the scan of the benchmark's source: stop it first")
    for first in range(0, len(vectors), PER_CHUNK):
        _chunk(ledger, store, encoder, vectors[first : first + PER_CHUNK], scan=(job_id, source.id), first=first)
    scan_done(ledger, scan)
    complete_jobs(ledger)
    return job_id


def _chunk(
    ledger: Ledger, store: ArtifactStore, encoder: Encoder, vectors: Vectors, *, scan: tuple[int, int], first: int
) -> None:
    job_id, source_id = scan
    found = [FoundFile(f"{first + row:07d}.jpg".encode(), 1, 1) for row in range(len(vectors))]
    places = record_files(ledger, job_id=job_id, source_id=source_id, files=found)
    add_chunks(ledger, job_id=job_id, encoder_id=encoder.id, chunks=[places])
    chunk = claim_chunk(ledger, worker="bench", lease_s=LEASE_S, encoder_ids=[encoder.id])
    if chunk is None or chunk.job_id != job_id:
        raise RuntimeError("a worker took a chunk of the benchmark's source")
    files = [
        DecodedFile(
            place_id=item.place_id,
            sha256=hashlib.sha256(b"bench" + item.path).hexdigest(),
            pixel_hash=hashlib.sha256(b"pixels" + item.path).hexdigest(),
            width=96,
            height=96,
            bytes=1,
            format="JPEG",
            mtime_ns=1,
            size=1,
            thumbnail_offset=0,
            thumbnail_length=0,
        )
        for item in chunk.items
    ]
    image_ids = assign_ids(ledger, chunk, files)
    shard = write_shard(
        store,
        encoder_id=encoder.id,
        chunk_id=chunk.id,
        fence=chunk.fence,
        image_ids=np.array([image_ids[file.sha256] for file in files], dtype=np.int64),
        vectors=vectors,
    )
    result = commit_chunk(
        ledger, chunk, files=files, image_ids=image_ids, bad=[], shard=shard, thumbnail_pack=None, timings={}
    )
    if result != "committed":
        raise RuntimeError(f"a chunk of the benchmark's source was not committed: {result}")
