"""A search's way through a real broker and a real query worker, and what a person is told when it is not there."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalog.artifacts import ArtifactStore
from catalog.encoders import serving_encoder
from catalog.ledger import Ledger
from catalog.ways_up import ways_up
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.decode import Decoded, decode_bytes
from settings import Settings
from tests.photos import jpeg, scene
from worker.client import Client, QueryFailed, WorkerUnavailable

PATIENCE_S = 60.0
Start = Callable[[str], "subprocess.Popen[bytes]"]


def upload(store: ArtifactStore, data: bytes) -> str:
    key = f"uploads/{hashlib.sha256(data).hexdigest()}"
    store.put(key, data)
    return key


@pytest.fixture(scope="module")
def query_worker(run_worker: Start, client: Client) -> subprocess.Popen[bytes]:
    process = run_worker("query")
    until = time.monotonic() + 120
    while True:
        try:
            client.ping("query", timeout_s=2)
            return process
        except WorkerUnavailable:
            assert process.poll() is None, "the query worker ended"
            assert time.monotonic() < until, "the query worker does not answer"


def test_without_a_worker_it_says_so_in_time(settings: Settings, store: ArtifactStore) -> None:
    client = Client(settings.resolved_broker_url())
    key = upload(store, jpeg(scene("sky", 1)))
    began = time.monotonic()
    with pytest.raises(WorkerUnavailable, match="ruiji up"):
        client.embed_query(key=key, timeout_s=PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S / 2


def test_without_a_broker_it_says_so_in_time(tmp_path: Path) -> None:
    client = Client(f"redis+socket://{tmp_path}/nobody.sock?virtual_host=0")
    began = time.monotonic()
    with pytest.raises(WorkerUnavailable, match="broker"):
        client.embed_query(key="uploads/x", timeout_s=PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S / 2
    with pytest.raises(WorkerUnavailable, match="broker"):
        client.wake_embed()


def test_a_query_is_embedded_as_the_encoder_embeds_it(
    query_worker: object, client: Client, store: ArtifactStore, ledger: Ledger
) -> None:
    data = jpeg(scene("grass", 3))
    found = client.embed_query(key=upload(store, data), timeout_s=PATIENCE_S)
    embedder = Embedder.load(SHIPPED, engine="openvino", precision="auto", device="cpu", threads=1)
    picture = decode_bytes(data, size=embedder.input_size, thumbnail_side=0)
    assert isinstance(picture, Decoded)
    expected = embedder.embed(picture.pixels[None])[0]
    assert found.vector.dtype == np.float32
    assert found.vector.shape == (embedder.dimension,)
    assert float(found.vector @ expected) > 0.999
    assert (found.width, found.height) == (96, 96)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    serving = serving_encoder(ledger)
    assert serving is not None
    assert found.encoder_id == serving.id
    assert {"broker", "read", "decode", "wait", "embed", "reply"} <= set(found.stages_ms)


def test_a_query_is_embedded_in_its_eight_ways_up(
    query_worker: object, client: Client, store: ArtifactStore, ledger: Ledger
) -> None:
    data = jpeg(scene("brick", 4))
    found = client.embed_query(key=upload(store, data), timeout_s=PATIENCE_S, any_way_up=True)
    embedder = Embedder.load(SHIPPED, engine="openvino", precision="auto", device="cpu", threads=1)
    picture = decode_bytes(data, size=embedder.input_size, thumbnail_side=0)
    assert isinstance(picture, Decoded)
    expected = embedder.embed(ways_up(picture.pixels))
    assert found.vectors.shape == expected.shape == (8, embedder.dimension)
    assert float((found.vectors * expected).sum(axis=1).min()) > 0.999
    assert float(found.vector @ client.embed_query(key=upload(store, data), timeout_s=PATIENCE_S).vector) > 0.999


def test_a_refused_picture_comes_back_with_its_reason(
    query_worker: object, client: Client, store: ArtifactStore
) -> None:
    with pytest.raises(QueryFailed) as refused:
        client.embed_query(key=upload(store, b"this is no picture at all"), timeout_s=PATIENCE_S)
    assert refused.value.kind
    assert refused.value.reason
    with pytest.raises(QueryFailed, match="upload it again"):
        client.embed_query(key="uploads/" + "0" * 64, timeout_s=PATIENCE_S)


def test_32_people_at_once_each_get_their_own_answer(
    query_worker: object, client: Client, store: ArtifactStore
) -> None:
    pictures = [jpeg(scene(kind, seed)) for kind in ("sky", "grass") for seed in range(16)]
    keys = [upload(store, data) for data in pictures]
    alone = [client.embed_query(key=key, timeout_s=PATIENCE_S).vector for key in keys]
    wrong: list[str] = []

    def ask(number: int) -> None:
        for _ in range(5):
            try:
                found = client.embed_query(key=keys[number], timeout_s=PATIENCE_S)
            except Exception as error:  # collected: an assertion in a thread would be lost
                wrong.append(repr(error))
                return
            if f"uploads/{found.sha256}" != keys[number] or float(found.vector @ alone[number]) < 0.999:
                wrong.append(keys[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_view_is_encoded_anew_and_fits(query_worker: object, client: Client, store: ArtifactStore) -> None:
    buffer = io.BytesIO()
    scene("brick", 1, side=300).save(buffer, "PNG")
    view = client.upload_view(upload(store, buffer.getvalue()), side=100)
    with Image.open(io.BytesIO(view)) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) == 100
    with pytest.raises(QueryFailed, match="no image"):
        client.full_view(999_999, side=100)


def test_a_query_that_nobody_waits_for_any_more_is_not_computed(
    query_worker: subprocess.Popen[bytes], client: Client, store: ArtifactStore
) -> None:
    key = upload(store, jpeg(scene("sky", 9)))
    for left in client._replies._redis.scan_iter("ruiji:reply:*"):
        client._replies._redis.delete(left)
    os.kill(query_worker.pid, signal.SIGSTOP)
    try:
        with pytest.raises(WorkerUnavailable):
            client.embed_query(key=key, timeout_s=0.5)
    finally:
        time.sleep(0.3)
        os.kill(query_worker.pid, signal.SIGCONT)
    client.ping("query", timeout_s=PATIENCE_S)
    time.sleep(0.2)
    assert not list(client._replies._redis.scan_iter("ruiji:reply:*"))


def test_whoever_asks_is_woken_by_the_answer(
    query_worker: object, client: Client, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks again and again whether it is there: that is why it takes 8 ms (`ruiji bench query`)."""
    key = upload(store, jpeg(scene("sky", 5)))
    waits: list[float] = []
    connection = client._replies._redis
    pop = connection.blpop

    def counted(keys: list[str], *, timeout: float) -> Any:
        waits.append(timeout)
        return pop(keys, timeout=timeout)

    monkeypatch.setattr(connection, "blpop", counted)
    for _ in range(20):
        client.embed_query(key=key, timeout_s=PATIENCE_S)
    assert 20 <= len(waits) <= 40, "once, and once more where the worker takes longer than a dead one is given"
