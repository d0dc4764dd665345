"""`ruiji bench query_milvus`: a search end to end over HTTP where the index is a Milvus server, on 100,000 images.

`ruiji up` with the address of a Milvus 2.3.5 (PyPI's `milvus`), started for it and stopped after. CIFAR-10's 10,000
photos are ingested as a person would; the other images have rows in the ledger as any, and vectors resampled from those
of the photos (bench/resampled.py), which the index worker writes from their shards. Once Milvus has built its index, it
is asked as in `ruiji bench query`: uploads that were never asked before, over one connection. It is asked twice: at
once, when there is a segment for every 2,048 rows and each is searched by itself (`before_merging`), and when Milvus
has merged them, as it does by itself within minutes. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.filler import fill
from bench.milvus_server import MilvusServer
from bench.query import ROUNDS, UPLOAD, K, ask, catalog, embedded, pictures, recall_over_http
from bench.record import RESULTS, ROOT, publish
from bench.resampled import resample
from bench.running import running
from catalog.index import VectorIndex
from ingest.public import demo

SEED = 1
BUILT_WITHIN_S = 1800.0
MERGED_WITHIN_S = 600.0
STAYS_MERGED_S = 60.0
STAYS_BUILT = 15  # looks, 0.2 s apart: Milvus goes on to merge small segments for a while


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench query_milvus", description=__doc__)
    parser.add_argument("--photos", type=Path, default=ROOT / ".demo" / "photos", help="what `ruiji data demo` wrote")
    parser.add_argument("--requests", type=int, default=300, help="uploads")
    parser.add_argument("--vectors", type=int, default=100_000, help="images in all")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for query_milvus.json")
    chosen = parser.parse_args(argv)
    photos = demo.fetch(chosen.photos.absolute()).folder
    uploads = pictures(photos / "labelled", seed=SEED)
    with TemporaryDirectory(prefix="ruiji-bench-") as scratch:
        room = Path(scratch).resolve()
        server = MilvusServer(room / "server", room / "unpacked")
        try:
            server.start()
            figures = measure(room, server, photos / "unlabelled", uploads, n=chosen.vectors, requests=chosen.requests)
        finally:
            server.stop()
    publish(
        "query_milvus",
        figures,
        folder=chosen.out,
        engine="Milvus 2.3.5 standalone, SQLite, Valkey, all on the same machine",
        picture_size=f"{UPLOAD[0]}x{UPLOAD[1]} JPEG uploads",
        generator="x_i + sum_j z_j (x_j - x_i) / sqrt(20), unit length; Vincent and Bengio 2002; seed 1",
        k=K,
        requests=chosen.requests,
        repetitions=ROUNDS,
    )
    return 0


def measure(
    room: Path, server: MilvusServer, photos: Path, uploads: Iterator[bytes], *, n: int, requests: int
) -> dict[str, Any]:
    """The figures at `n` images, of which those below `photos` are real."""
    home = room / "home"
    with running(home, allowed=[photos], RUIJI_INDEX_URL=server.url) as (stack, _):
        stack.wait(stack.start_ingest(photos))
    with catalog(home) as (ledger, store, encoder):
        ids, real = embedded(ledger, store, encoder)
        made = np.empty((n - len(ids), real.shape[1]), dtype=np.float32)
        resample(real, made, seed=SEED)
        job = fill(ledger, store, encoder=encoder, vectors=made, root=room / "none")
    with running(home, allowed=[photos], RUIJI_INDEX_URL=server.url) as (stack, ready_s):
        started = time.monotonic()
        stack.wait(job)
        written_s = time.monotonic() - started
        built = wait_until_built(server, encoder.collection, rows=n)
        fresh = len(server.segments(encoder.collection).loaded)
        with catalog(home) as (ledger, store, encoder):
            ids, vectors = embedded(ledger, store, encoder)
        stack.reconnect()
        soon = ask(stack, uploads, requests=max(ROUNDS, requests // 5), vectors=vectors).figures()
        merged_s = wait_until_merged(server, encoder.collection)
        stack.reconnect()
        idle = ask(stack, uploads, requests=requests, vectors=vectors)
        return {
            **idle.figures(),
            "recall_at_10": recall_over_http(stack, ids, vectors),
            "vectors": len(ids),
            **built,
            "segments": len(server.segments(encoder.collection).loaded),
            "merged_s": merged_s,
            "before_merging": {"p50_ms": soon["p50_ms"], "p95_ms": soon["p95_ms"], "segments": fresh},
            "indexed_per_s": len(made) / max(written_s, 1e-9),
            "milvus_memory_gb": server.memory_bytes() / 2**30,
            "ready_s": ready_s,
        }


def wait_until_built(server: MilvusServer, collection: str, *, rows: int) -> dict[str, Any]:
    """What Milvus has built of a collection with so many rows, once that is all. RuntimeError if it never is."""
    server.flush(collection)
    index = VectorIndex(server.url, timeout_s=60)
    try:
        until, seen = time.monotonic() + BUILT_WITHIN_S, 0
        while seen < STAYS_BUILT:
            building = index.building(collection)
            seen = seen + 1 if building.indexed >= rows and building.indexed == building.rows else 0
            if time.monotonic() > until:
                raise RuntimeError(f"{building.indexed} of {rows} rows are indexed after {BUILT_WITHIN_S:.0f} s")
            time.sleep(0.2)
        return {"index_type": building.type}
    finally:
        index.close()


def wait_until_merged(server: MilvusServer, collection: str) -> float:
    """Seconds until Milvus searched the segments that it has stored, and stored no others for a while."""
    started = time.monotonic()
    before, since = server.segments(collection), started
    while (now := time.monotonic()) - since < STAYS_MERGED_S:
        if now - started > MERGED_WITHIN_S:
            raise RuntimeError(f"Milvus still merges {len(before.stored)} segments after {MERGED_WITHIN_S:.0f} s")
        time.sleep(1.0)
        seen = server.segments(collection)
        if seen != before or seen.loaded != seen.stored:
            before, since = seen, time.monotonic()
    return since - started
