"""`ruiji bench bucket`: an ingest from an S3 bucket beside that of a local folder with the same photos.

From an empty ledger to committed shards, with the shipped encoder; the two take turns. The bucket is held by moto's S3
server, a process on the same cores, which answers a few hundred requests a second: so there is a third side, fetching
alone with as many requests at once, and share_of_fetching is how much of that an ingest gets. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec

from bench.pictures import write_jpegs
from bench.ports import free_port
from bench.record import RESULTS, publish
from bench.repeat import interleave, median_ratio, medians
from bench.room import fresh_room
from catalog.storage.address import parse_bucket, whole_path
from catalog.storage.objects import ObjectStores
from catalog.storage.pictures import PictureStorage
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.fetching import fetch
from ingest.pool import DecodePool
from settings import Settings

BUCKET = "photos"
SIDE = 96
MAX_BYTES = 1 << 26
READY_WITHIN_S = 30.0
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
AT_ONCE: int = Settings.model_fields["object_reads"].default


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench bucket", description=__doc__)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for bucket.json")
    chosen = parser.parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-photos-") as name, s3_server() as url:
        folder = Path(name)
        paths = write_jpegs(folder, count=chosen.files, width=SIDE, height=SIDE)
        fill_bucket(url, folder, paths)
        figures = measure(folder, paths, url, repetitions=chosen.repetitions)
    publish(
        "bucket",
        figures,
        folder=chosen.out,
        engine="moto's S3 server on the same cores; openvino; SQLite",
        picture_size=f"{SIDE}x{SIDE}",
        files=chosen.files,
        at_once=AT_ONCE,
        repetitions=chosen.repetitions,
    )
    return 0


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """moto's, in a process of its own; its address. This process has keys for it meanwhile."""
    port = free_port()
    before = dict(os.environ)
    os.environ.update(KEYS)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + READY_WITHIN_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("moto's S3 server does not start: install the extra `dev`")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
        os.environ.clear()
        os.environ.update(before)


def fill_bucket(url: str, folder: Path, paths: list[Path]) -> None:
    """The same photos, under their paths in the folder."""
    store = fsspec.filesystem("s3", endpoint_url=url)
    store.mkdir(BUCKET)
    store.pipe({f"{BUCKET}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths})


def measure(folder: Path, paths: list[Path], url: str, *, repetitions: int) -> dict[str, Any]:
    """Images a second from both, and objects a second of fetching alone."""
    storage = PictureStorage(objects=ObjectStores(s3_endpoint=url, at_once=AT_ONCE))
    bucket = parse_bucket(f"s3://{BUCKET}/", storage.objects.schemes)
    objects = [whole_path(bucket.root, os.fsencode(path.relative_to(folder))) for path in paths]
    embedder = Embedder.load(SHIPPED, device="cpu")
    side, dimension = embedder.input_size, embedder.dimension

    def ingest(root: Path | bytes, pool: DecodePool) -> float:
        with fresh_room(root, dimension=dimension, input_size=side, storage=storage) as room:
            done = room.ingest(pool, embedder.embed)
        if done.files != len(paths):
            raise RuntimeError(f"{done.files} of {len(paths)} photos were ingested")
        return done.files / done.seconds

    def fetching() -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = list(threads.map(lambda one: fetch(storage, one, max_bytes=MAX_BYTES), objects))
        if not all(isinstance(one, bytes) for one in found):
            raise RuntimeError(f"an object was not fetched: {next(one for one in found if not isinstance(one, bytes))}")
        return len(found) / (time.perf_counter() - started)

    with DecodePool(size=side) as pool:
        ingest(folder, pool)  # kernels, children, connections
        found = interleave(
            {
                "folder": lambda: ingest(folder, pool),
                "bucket": lambda: ingest(bucket.root, pool),
                "fetching": fetching,
            },
            repetitions=repetitions,
        )
    middle = medians(found)
    return {
        "bucket_images_per_s": middle["bucket"],
        "folder_images_per_s": middle["folder"],
        "fetching_per_s": middle["fetching"],
        "ratio_to_folder": median_ratio(found["bucket"], found["folder"]),
        "share_of_fetching": median_ratio(found["bucket"], found["fetching"]),
        "spread": statistics.pstdev(found["bucket"]) / middle["bucket"],
    }


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
