"""Whatever goes wrong in a query worker reaches the person who asked, at once and in words."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import NoReturn

import pytest

from catalog.artifacts import ArtifactError
from catalog.ledger import LedgerError
from encoder.folder import EncoderDamaged
from settings import Settings
from tests.photos import jpeg, scene
from worker.client import Client, WorkerUnavailable
from worker.models import NoEncoder
from worker.queries import Queries
from worker.service import make_context


@pytest.fixture
def queries(settings: Settings) -> Iterator[Queries]:
    context = make_context(settings, queue="query")
    queries = Queries(context)
    yield queries
    queries.close()
    context.client.close()
    context.ledger.close()
    context.replies._redis.delete("query")


def failing(error: Exception) -> object:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("models.serving", EncoderDamaged("model.onnx is not what was saved")),
        ("models.serving", LedgerError("the ledger does not answer")),
        ("models.serving", NoEncoder("no encoder serves")),
        ("store.get", ArtifactError("the bucket does not answer.")),
        ("embed", RuntimeError("the device is gone")),
    ],
)
def test_a_search_is_told_what_is_wrong(
    queries: Queries, client: Client, monkeypatch: pytest.MonkeyPatch, what: str, error: Exception
) -> None:
    context = queries._context
    data = jpeg(scene("sky", 3))
    key = f"uploads/{hashlib.sha256(data).hexdigest()}"
    context.store.put(key, data)
    if what == "embed":
        monkeypatch.setattr("encoder.embed.Embedder.embed", failing(error))
    else:
        part, name = what.split(".")
        monkeypatch.setattr(getattr(context, part), name, failing(error))
    request = hashlib.sha256(str(error).encode()).hexdigest()
    monkeypatch.setattr("worker.client.uuid4", lambda: SimpleNamespace(hex=request))
    now = time.time()
    queries.embed(request, sent_at=now, deadline=now + 60, key=key)
    with pytest.raises(WorkerUnavailable, match=str(error).rstrip(".")):
        client.embed_query(key=key, timeout_s=60)


def test_so_is_whoever_asks_for_a_view(queries: Queries, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.queries.get_images", failing(LedgerError("the ledger does not answer")))
    monkeypatch.setattr("worker.client.uuid4", lambda: SimpleNamespace(hex="view-request"))
    queries.view("view-request", deadline=time.time() + 60, wanted={"image_id": 1}, side=100)
    with pytest.raises(WorkerUnavailable, match="ledger does not answer"):
        client.full_view(1, side=100, timeout_s=60)
