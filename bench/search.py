"""`ruiji bench search`: a million vectors in a real Milvus, through our own index: insert, recall, latency, memory.

Milvus 2.3.5 (PyPI's `milvus`) is started for it and stopped after. The vectors are made from the shipped encoder's
embeddings of real photos (bench/resampled.py has the formula); the questions are embeddings of photos that nothing was
made from. Beside it, in the same run: pymilvus's insert of rows as dicts, in turn with ours on collections of the same
columns, and faiss's HNSW with the same M, efConstruction and ef, in turn with ours too. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.milvus_server import MilvusServer
from bench.record import RESULTS, publish
from bench.repeat import median_ratio
from bench.resampled import exact, intrinsic_dimension, raised, real_vectors, recall, resample
from bench.search_peers import Faiss, RowDicts
from catalog.index import SEAL_ROWS, VectorIndex
from catalog.shards import Ids, Vectors
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder

K = 10
ROUNDS = 5  # of inserts in turn
ASKED_ROUNDS = 3  # of searches in turn
PER_CALL = 20_000  # rows that our index is handed at a time; a shard has 512, a refill as many as this and more
CLIENTS = 8
SEED = 1
BUILT_WITHIN_S = 5400.0
OURS, PEER, WHOLE = "insert_ours", "insert_peer", "whole"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    chosen = options().parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-search-") as name:
        server = MilvusServer(Path(name) / "server", Path(name) / "unpacked")
        try:
            server.start()
            return run(chosen, server, Path(name))
        finally:
            server.stop()


def options() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = argparse.ArgumentParser(prog="ruiji bench search", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--folder", type=Path, help="pictures to make vectors from (default: CIFAR-10's test photos)")
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--questions", type=int, default=1000, help="photos that are kept out and searched with")
    parser.add_argument("--peer-rows", type=int, default=100_000, help="rows that each side inserts in turn")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for search.json")
    return parser


def run(chosen: argparse.Namespace, server: MilvusServer, room: Path) -> int:
    """Measure on a server that runs, with files in `room`, and publish; 0."""
    if chosen.rows < SEAL_ROWS:
        raise SystemExit(f"--rows must be {SEAL_ROWS} or more: fewer are not indexed at all until more come")
    photos = raised(real_vectors(chosen.folder, Embedder.load(chosen.encoder)), chosen.dim, seed=SEED)
    photos = np.random.default_rng(SEED).permutation(photos)
    asked, base = np.split(photos, [min(chosen.questions, len(photos) // 5)])
    shape = (chosen.rows, chosen.dim)
    made = np.lib.format.open_memmap(room / "made.npy", mode="w+", dtype=np.float32, shape=shape)
    resample(base, made, seed=SEED)
    peer_rows = min(chosen.peer_rows, chosen.rows)
    figures = {
        "rows": chosen.rows,
        "dim": chosen.dim,
        "intrinsic_dimension": intrinsic_dimension(made, seed=SEED),
        "intrinsic_dimension_of_photos": intrinsic_dimension(base, seed=SEED),
    }
    say(f"{chosen.rows} vectors made; intrinsic dimension {figures['intrinsic_dimension']:.1f}")
    publish(
        "search",
        figures | measure(server, made, asked, peer_rows=peer_rows),
        folder=chosen.out,
        engine="Milvus 2.3.5 standalone, through catalog.index.VectorIndex",
        photos=len(base),
        questions=len(asked),
        peer_rows=peer_rows,
        generator="x_i + sum_j z_j (x_j - x_i) / sqrt(20), unit length; Vincent and Bengio 2002; seed 1",
    )
    return 0


def measure(server: MilvusServer, made: Vectors, asked: Vectors, *, peer_rows: int) -> dict[str, Any]:
    """All figures of the index and of those beside it."""
    right = exact(made, asked, k=K).ids
    index = VectorIndex(server.url, timeout_s=60)
    try:
        empty = server.memory_bytes()
        inserts = insert_in_turn(index, server.url, made[:peer_rows])
        loaded = load(index, made)
        memory = server.memory_bytes()
        say("the index is built; now faiss builds the same")
        faiss = Faiss(made)
        searches = ask_in_turn(index, faiss, asked, right)
        qps = queries_per_s(index, asked)
        index.drop(WHOLE)
    finally:
        index.close()
    return {
        **inserts,
        **loaded,
        **searches,
        "qps": qps,
        "qps_clients": CLIENTS,
        "memory_gb": memory / 2**30,
        "memory_empty_gb": empty / 2**30,
        "faiss_memory_gb": faiss.memory_bytes / 2**30,
        "faiss_build_s": faiss.build_s,
    }


def insert_in_turn(index: VectorIndex, url: str, vectors: Vectors) -> dict[str, Any]:
    """Rows a second of our index and of pymilvus's row dicts, each a share of the rows (n, d) in turn."""
    for name in (OURS, PEER):
        index.ensure_collection(name, vectors.shape[1], rows=len(vectors))
    peer = RowDicts(url)
    ours_s, peer_s = [], []
    try:
        for share in np.array_split(np.arange(len(vectors), dtype=np.int64), ROUNDS):
            rows = np.ascontiguousarray(vectors[share])
            ours_s.append(len(share) / seconds_of(partial(insert, index, OURS, share + 1, rows)))
            peer_s.append(len(share) / peer.insert(PEER, share + 1, rows))
        for name in (OURS, PEER):
            if index.count(name) != len(vectors):
                raise RuntimeError(f"{index.count(name)} of {len(vectors)} rows are in {name}")
    finally:
        peer.close()
        for name in (OURS, PEER):
            index.drop(name)
    return {
        "rows_per_s_insert": statistics.median(ours_s),
        "peer_rows_per_s_insert": statistics.median(peer_s),
        "insert_ratio": median_ratio(ours_s, peer_s),
    }


def load(index: VectorIndex, made: Vectors) -> dict[str, Any]:
    """Everything into one collection, and wait until Milvus has built its index."""
    index.ensure_collection(WHOLE, made.shape[1], rows=len(made))
    started = time.perf_counter()
    for first in range(0, len(made), PER_CALL):
        rows = np.asarray(made[first : first + PER_CALL])
        insert(index, WHOLE, np.arange(first + 1, first + len(rows) + 1), rows)
        if first % (10 * PER_CALL) == 0:
            say(f"{first + len(rows)} rows written")
    written = time.perf_counter() - started
    index.settle(WHOLE)
    until = time.monotonic() + BUILT_WITHIN_S
    seen = 0
    # Milvus goes on to merge small segments for a while: built is what stays built.
    while seen < 10:
        building = index.building(WHOLE)
        seen = seen + 1 if building.indexed >= len(made) and building.indexed == building.rows else 0
        if time.monotonic() > until:
            raise RuntimeError(f"{building.indexed} of {len(made)} rows are indexed after {BUILT_WITHIN_S:.0f} s")
        time.sleep(0.2)
    return {
        "index_type": building.type,
        "load_rows_per_s": len(made) / written,
        "indexed_after_s": time.perf_counter() - started,
    }


def insert(index: VectorIndex, name: str, ids: Ids, rows: Vectors) -> None:
    """Write rows as the index worker does."""
    index.upsert(name, ids=ids, vectors=rows, labels=[()] * len(ids), sources=[(1,)] * len(ids))


def ask_in_turn(index: VectorIndex, faiss: Faiss, asked: Vectors, right: Ids) -> dict[str, Any]:
    """Recall and milliseconds, one client, of our index and of faiss."""
    took: list[float] = []
    faiss_took: list[float] = []
    ask(index, asked[:200])
    faiss.ask(asked[:200], k=K)
    for _ in range(ASKED_ROUNDS):
        found, some = ask(index, asked)
        took += some
        faiss_found, some = faiss.ask(asked, k=K)
        faiss_took += some
    return {
        "recall_at_10": recall(found - 1, right),  # ids begin at 1
        "p50_ms": float(np.percentile(took, 50)),
        "p99_ms": float(np.percentile(took, 99)),
        "faiss_recall_at_10": recall(faiss_found, right),
        "faiss_p50_ms": float(np.percentile(faiss_took, 50)),
        "faiss_p99_ms": float(np.percentile(faiss_took, 99)),
    }


def ask(index: VectorIndex, asked: Vectors) -> tuple[Ids, list[float]]:
    """One after the other: ids (q, K), 0 where there were fewer; the milliseconds of each."""
    found, took = np.zeros((len(asked), K), dtype=np.int64), []
    for number, one in enumerate(asked):
        started = time.perf_counter()
        [hits] = index.search(WHOLE, one[None], limit=K)
        took.append(1000 * (time.perf_counter() - started))
        found[number, : len(hits.ids)] = hits.ids
    return found, took


def queries_per_s(index: VectorIndex, asked: Vectors) -> float:
    """With CLIENTS asking at the same time, each all questions one after the other."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        started = time.perf_counter()
        for done in [pool.submit(ask, index, asked) for _ in range(CLIENTS)]:
            done.result()
        return CLIENTS * len(asked) / (time.perf_counter() - started)


def seconds_of(work: Callable[[], None]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def say(what: str) -> None:
    """Tell how far it is: the whole takes half an hour."""
    print(what, flush=True)
