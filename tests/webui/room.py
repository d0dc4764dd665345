"""A home with photos in it, as an ingest leaves it, and the servers beside it: Valkey, milvus-lite, a query worker."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from bench.surroundings import surroundings
from catalog.artifacts import ArtifactStore
from catalog.chunks import claim_chunk
from catalog.encoders import Encoder
from catalog.images import image_by_sha256
from catalog.index import IndexUnavailable, VectorIndex
from catalog.index_queue import claim_shard
from catalog.indexing import index_one_shard
from catalog.jobs import claim_scan, complete_jobs, create_ingest_job
from catalog.ledger import Ledger
from catalog.sources import add_source
from deploy.encoder_setup import SHIPPED, set_up_encoder
from deploy.milvus_lite import milvus_part
from deploy.process import Part
from deploy.valkey import answers, valkey_part
from encoder.embed import Embedder
from ingest.pool import DecodePool
from ingest.scan import scan_source
from ingest.stream import embed_chunk
from tests.photos import jpeg, scene, write_folder
from webui.readiness import SILENT

PER_KIND = 10
ODD_NAME = b'caf\xe9 "quoted"\n.jpg'
BROKEN_NAME = b'caf\xe9 "broken".jpg'
PATIENCE_S = 60.0  # of a search, on a machine that others use
WORKER = "from settings import Settings; from worker.service import run_worker; run_worker(Settings(), queue='query')"


@dataclass
class Room:
    """30 labelled photos, 31 unlabelled ones (one oddly named), one broken file."""

    home: Path
    photos: Path
    ledger: Ledger
    store: ArtifactStore
    index: VectorIndex
    encoder: Encoder
    broker_url: str
    job_with_bad: int
    unlabelled_ids: list[int]
    images: int = 6 * PER_KIND + 1
    labelled: int = 3 * PER_KIND

    @property
    def query_log(self) -> Path:
        """What the query worker has written, one JSON object a line."""
        return self.home / "query.log"

    def image_id(self, path: str) -> int:
        """The id of the image whose file lies at this path below `photos`."""
        import hashlib

        image = image_by_sha256(self.ledger, hashlib.sha256((self.photos / path).read_bytes()).hexdigest())
        assert image is not None
        return image.id


def write_photos(photos: Path) -> None:
    write_folder(photos / "labelled", per_kind=PER_KIND, labelled=True)
    write_folder(photos / "unlabelled", per_kind=PER_KIND, labelled=False, first_seed=1000)
    folder = os.fsencode(photos / "unlabelled")
    for name, data in ((ODD_NAME, jpeg(scene("sky", 4242))), (BROKEN_NAME, b"\xff\xd8 not a picture")):
        with open(folder + b"/" + name, "wb") as file:
            file.write(data)


def ingest(ledger: Ledger, store: ArtifactStore, index: VectorIndex, embedder: Embedder, folder: Path) -> int:
    """What the workers do with a new source, one step after the other in this process."""
    source = add_source(ledger, folder, name=folder.name, labels_from_folders=folder.name == "labelled")
    job = create_ingest_job(ledger, source_id=source.id, encoder_id=embedder.info.id, author="test")
    scan = claim_scan(ledger, worker="test", lease_s=60)
    assert scan is not None
    scan_source(ledger, scan)
    with contextlib.closing(DecodePool(1, size=embedder.input_size)) as pool:
        while chunk := claim_chunk(ledger, worker="test", lease_s=60):
            outcome = embed_chunk(ledger, store, chunk, embed=embedder.embed, pool=pool)
            assert outcome.state == "committed"
    while shard := claim_shard(ledger, worker="test", lease_s=60):
        index_one_shard(ledger, store, index, shard)
    complete_jobs(ledger)
    return job


@contextlib.contextmanager
def running(
    part: Part, *, ready: Callable[[], bool], timeout_s: float = 150, log_file: Path | None = None
) -> Iterator[None]:
    """A server for as long as the block runs."""
    with contextlib.ExitStack() as stack:
        kept = log_file.open("w+b") if log_file else tempfile.TemporaryFile()  # noqa: SIM115  the stack closes it
        log = stack.enter_context(kept)
        nowhere = stack.enter_context(tempfile.TemporaryDirectory())  # where nobody's .env lies
        environment = surroundings(**part.environment)
        process = subprocess.Popen(part.command, cwd=nowhere, env=environment, stdout=log, stderr=log)
        stack.callback(end, process)
        until = time.monotonic() + timeout_s
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                log.seek(0)
                raise AssertionError(f"{part.name} did not start:\n{log.read().decode(errors='replace')[-3000:]}")
            time.sleep(0.05)
        yield


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def listens(index: VectorIndex) -> bool:
    with contextlib.suppress(IndexUnavailable):
        return index.ready()
    return False


@contextlib.contextmanager
def furnished(home: Path) -> Iterator[Room]:
    """A room with Valkey and milvus-lite running; no worker."""
    photos = home / "photos"
    write_photos(photos)
    socket, port_file = home / "run" / "valkey.sock", home / "run" / "milvus.port"
    broker_url = f"redis+socket://{socket}?virtual_host=0"
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            running(valkey_part(data=home / "valkey", socket=socket), ready=lambda: answers(broker_url))
        )
        stack.enter_context(running(milvus_part(data=home / "milvus", port_file=port_file), ready=port_file.exists))
        index = VectorIndex(f"http://127.0.0.1:{int(port_file.read_text())}")
        stack.callback(index.close)
        ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
        stack.callback(ledger.close)
        store = ArtifactStore(str(home / "artifacts"))
        encoder = set_up_encoder(ledger, store, SHIPPED)
        embedder = Embedder.load(SHIPPED, engine="openvino", threads=1)
        index.ensure_collection(encoder.collection, encoder.dimension)
        ingest(ledger, store, index, embedder, photos / "labelled")
        job = ingest(ledger, store, index, embedder, photos / "unlabelled")
        room = Room(home, photos, ledger, store, index, encoder, broker_url, job, [])
        names = [path.name for path in sorted((photos / "unlabelled").glob("*-[0-9].jpg"))]
        room.unlabelled_ids = [room.image_id(f"unlabelled/{name}") for name in names]
        yield room


@contextlib.contextmanager
def query_worker(room: Room) -> Iterator[None]:
    """A real query worker in a process of its own."""
    from worker.client import Client, WorkerUnavailable

    client = Client(room.broker_url)

    def ready() -> bool:
        with contextlib.suppress(WorkerUnavailable):
            return bool(client.ping("query", timeout_s=2))
        return False

    command = (sys.executable, "-c", WORKER)
    environment = {"RUIJI_HOME": str(room.home), "RUIJI_BROKER_URL": room.broker_url, "RUIJI_LOG": "json"}
    try:
        with running(
            Part(name="query", command=command, environment=environment), ready=ready, log_file=room.query_log
        ):
            yield
    finally:
        client.close()


class Visitor(FlaskClient):
    """A client whose answers are whatever they turn out to be."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return super().open(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return super().get(*args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        return super().post(*args, **kwargs)

    def patch(self, *args: Any, **kwargs: Any) -> Any:
        return super().patch(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return super().delete(*args, **kwargs)


def visiting(app: Flask) -> Visitor:
    """A client without a session."""
    return Visitor(app, app.response_class, use_cookies=True)


def signed_in(app: Flask) -> Visitor:
    """A client that carries its session's token with every request, as the page does."""
    client = visiting(app)
    client.environ_base["HTTP_X_CSRF_TOKEN"] = client.get("/api/v1/token").json["token"]
    return client


def heard(client: Visitor) -> Any:
    """What /readyz answers once every part has been heard of: a busy machine may need longer than a probe waits."""
    until = time.monotonic() + 60
    while SILENT in (answer := client.get("/readyz")).json["parts"].values():
        assert time.monotonic() < until, answer.json
    return answer
