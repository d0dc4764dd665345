"""`ruiji bench query`: a search end to end over HTTP on the running stack, idle and during an ingest.

Real JPEG uploads, one after the other on one connection, each a picture that was never asked before. First the 10,000
test photos of CIFAR-10, ingested as a person would; then as many more images as make 100,000, whose vectors are those
of the photos with noise (bench/filler.py). The blog's way is np.apply_along_axis over the same vectors, the comparison
alone. Recall is that of the answers over HTTP against exact search in the shards.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from bench.filler import Ids, Vectors, all_vectors, fill, noisy
from bench.pictures import write_jpegs
from bench.record import RESULTS, ROOT, publish
from bench.running import Running, running
from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, serving_encoder
from catalog.ledger import Ledger
from catalog.tables import embedding
from ingest.public import demo

K = 60  # what the page asks for
UPLOAD = (640, 480)
ROUNDS = 3
RECALL_AT = 10


@dataclass
class Measured:
    """Times of all uploads of one state of the stack, and what was compared beside them."""

    ms: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    blog_ms: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Named as the measurements contract names them."""
        p50, p95, p99 = np.percentile(self.ms, [50, 95, 99])
        figures: dict[str, Any] = {"p50_ms": float(p50), "p95_ms": float(p95), "p99_ms": float(p99)}
        if self.stages:
            figures["stages_ms"] = {name: statistics.median(values) for name, values in self.stages.items()}
        if self.blog_ms:
            blog = statistics.median(self.blog_ms)
            figures |= {"blog_way_ms": blog, "ratio_to_blog_way": blog / float(p50)}
        return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench query", description=__doc__)
    parser.add_argument("--photos", type=Path, default=ROOT / ".demo" / "photos", help="what `ruiji data demo` wrote")
    parser.add_argument("--requests", type=int, default=300, help="uploads for each state of the stack")
    parser.add_argument("--ingest-files", type=int, default=8000, help="files ingested while searches are measured")
    parser.add_argument("--vectors", type=int, default=100_000, help="size of the larger index; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for query.json")
    chosen = parser.parse_args(argv)
    photos = demo.fetch(chosen.photos.absolute()).folder
    uploads = pictures(photos / "labelled", seed=1)
    with TemporaryDirectory(prefix="ruiji-bench-") as scratch:
        room = Path(scratch).resolve()
        figures = small(room, photos, uploads, requests=chosen.requests, ingest_files=chosen.ingest_files)
        if chosen.vectors:
            figures[f"at_{chosen.vectors}"] = large(room, photos, uploads, requests=chosen.requests, n=chosen.vectors)
    publish(
        "query",
        figures,
        folder=chosen.out,
        engine="milvus-lite, SQLite, Valkey, all embedded",
        picture_size=f"{UPLOAD[0]}x{UPLOAD[1]} JPEG uploads",
        vectors=[10_000, chosen.vectors],
        larger_index="vectors of the 10,000 photos with noise of half their length, written as shards",
        k=K,
        requests=chosen.requests,
        repetitions=ROUNDS,
    )
    return 0


def small(room: Path, photos: Path, uploads: Iterator[bytes], *, requests: int, ingest_files: int) -> dict[str, Any]:
    """The figures at 10,000 photos, idle and during an ingest of other files."""
    bulk = room / "bulk"
    write_jpegs(bulk, count=ingest_files, width=96, height=96, seed=7)
    with running(room / "home", allowed=[photos, room]) as (stack, ready_s):
        job = stack.wait(stack.start_ingest(photos / "unlabelled"))
        with catalog(room / "home") as (ledger, store, encoder):
            ids, vectors = embedded(ledger, store, encoder)
            idle = ask(stack, uploads, requests=requests, vectors=vectors)
            recall = recall_over_http(stack, ids, vectors)
        busy, rate = ask_during_ingest(stack, uploads, bulk, most=4 * requests)
    return {
        **idle.figures(),
        "during_ingest_p50_ms": busy.figures()["p50_ms"],
        "during_ingest_p95_ms": busy.figures()["p95_ms"],
        "during_ingest_requests": len(busy.ms),
        "during_ingest_images_per_s": rate,
        "recall_at_10": recall,
        "ready_s": ready_s,
        "photos_ingested_per_s": job["embedded"] / (job["finished_at"] - job["created_at"]),
    }


def large(room: Path, photos: Path, uploads: Iterator[bytes], *, requests: int, n: int) -> dict[str, Any]:
    """The same at `n` vectors, on the same home."""
    with catalog(room / "home") as (ledger, store, encoder):
        ids, vectors = embedded(ledger, store, encoder)
        job = fill(ledger, store, encoder=encoder, vectors=noisy(vectors, n - len(ids), seed=2), root=room / "none")
    with running(room / "home", allowed=[photos, room]) as (stack, ready_s):
        started = time.monotonic()
        stack.wait(job)
        indexed_s = time.monotonic() - started
        with catalog(room / "home") as (ledger, store, encoder):
            ids, vectors = embedded(ledger, store, encoder)
            idle = ask(stack, uploads, requests=requests, vectors=vectors)
            recall = recall_over_http(stack, ids, vectors)
    return {
        **idle.figures(),
        "recall_at_10": recall,
        "vectors": len(ids),
        "ready_s": ready_s,
        "indexed_per_s": (n - 10_000) / max(indexed_s, 1e-9),
    }


class catalog:  # noqa: N801  used as a function, in `with`
    """The ledger and the store of a home, and the encoder that serves."""

    def __init__(self, home: Path) -> None:
        self._ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
        self._store = ArtifactStore(home / "artifacts")

    def __enter__(self) -> tuple[Ledger, ArtifactStore, Encoder]:
        encoder = serving_encoder(self._ledger)
        if encoder is None:
            raise RuntimeError("no encoder serves")
        return self._ledger, self._store, encoder

    def __exit__(self, *_: object) -> None:
        self._ledger.close()


def pictures(folder: Path, *, seed: int) -> Iterator[bytes]:
    """Different JPEG uploads without end: labelled photos, enlarged, each with a brightness and crop of its own."""
    random = np.random.default_rng(seed)
    paths = sorted(folder.rglob("*.png"))
    while True:
        for path in random.permutation(np.array(paths, dtype=object)):
            with Image.open(path) as opened:
                left, top = (float(value) for value in random.uniform(0, 4, size=2))
                whole = opened.convert("RGB").resize(UPLOAD, Image.Resampling.BICUBIC, (left, top, left + 28, top + 28))
            buffer = io.BytesIO()
            ImageEnhance.Brightness(whole).enhance(random.uniform(0.9, 1.1)).save(buffer, "JPEG", quality=90)
            yield buffer.getvalue()


def embedded(ledger: Ledger, store: ArtifactStore, encoder: Encoder) -> tuple[Ids, Vectors]:
    """Every image that the encoder has embedded: ids (n,), vectors (n, d)."""
    with ledger.read() as connection:
        rows = connection.execute(embedding.select().where(embedding.c.encoder_id == encoder.id)).all()
    ids = np.array(sorted(row.image_id for row in rows), dtype=np.int64)
    return all_vectors(ledger, store, encoder=encoder, image_ids=ids)


def ask(stack: Running, uploads: Iterator[bytes], *, requests: int, vectors: Vectors) -> Measured:
    """Uploads to an idle stack, with the blog's way in between."""
    measured = Measured()
    for _ in range(20):  # kernels, caches and connections
        stack.upload(next(uploads), k=K)
    for _ in range(ROUNDS):
        for picture in [next(uploads) for _ in range(requests // ROUNDS)]:
            ms, answer = stack.upload(picture, k=K)
            measured.ms.append(ms)
            for stage, took in answer["took_ms"].items():
                measured.stages.setdefault(stage, []).append(took)
        measured.blog_ms.append(blog_way_ms(vectors))
    return measured


def ask_during_ingest(stack: Running, uploads: Iterator[bytes], bulk: Path, *, most: int) -> tuple[Measured, float]:
    """Uploads from the ingest's first embedded image to its last, and the ingest's images/s meanwhile."""
    prepared = [next(uploads) for _ in range(most)]
    job = stack.start_ingest(bulk)
    while stack.job(job)["done"] == 0:
        time.sleep(0.05)
    measured = Measured()
    for number, picture in enumerate(prepared):
        measured.ms.append(stack.upload(picture, k=K)[0])
        if number % 10 == 9 and stack.job(job)["state"] not in ("scanning", "running"):
            break
    done = stack.wait(job)
    return measured, done["embedded"] / (done["finished_at"] - done["created_at"])


def recall_over_http(stack: Running, ids: Ids, vectors: Vectors, *, queries: int = 200) -> float:
    """Mean share of the exact nearest that the answers hold, over indexed images as questions."""
    random = np.random.default_rng(3)
    shares = []
    for row in random.choice(len(ids), size=min(queries, len(ids)), replace=False):
        scores = vectors @ vectors[row]
        nearest = np.argpartition(-scores, RECALL_AT)[:RECALL_AT]
        answer = stack.post("/api/v1/search", {"image_id": int(ids[row]), "k": RECALL_AT})
        found = {int(hit["image_id"]) for hit in answer["results"]}
        # A tie at the last place may fall either way: whatever scores as well as the tenth is right.
        last = scores[nearest].min() - 1e-6
        right = {int(ids[at]) for at in np.flatnonzero(scores >= last)}
        shares.append(min(RECALL_AT, len(found & right)) / RECALL_AT)
    return float(np.mean(shares))


def blog_way_ms(vectors: Vectors) -> float:
    """Cosine similarity row by row, then a full sort, as in the study that Ruiji grew from."""
    query = vectors[0]
    started = time.perf_counter()
    length = np.linalg.norm(query)
    scores = np.apply_along_axis(lambda row: np.dot(row, query) / (np.linalg.norm(row) * length), 1, vectors)
    np.argsort(-scores)[:K]
    return 1000 * (time.perf_counter() - started)
