"""Answers questions about one picture: its embedding for a search, or a re-encoded view for the browser."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

from catalog import request_id
from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.errors import UnknownEncoder
from catalog.images import get_images
from catalog.places import places_of
from catalog.storage.address import whole_path
from catalog.ways_up import Pixels, ways_up
from encoder.embed import Embedder
from ingest.decode import DecodeError
from ingest.pool import DecodePool, FileToRead, PoolError
from ingest.reading import PictureReader
from worker.batching import Batcher, Embedded, Failed
from worker.context import Context
from worker.models import NoEncoder
from worker.replies import NO_ENCODER, SOURCE_UNSEEN, WORKER_FAILED

DECODE_CHILDREN = 2  # one slow picture, or one that kills its decoder, leaves another for everybody else
DECODE_TIMEOUT_S = 10.0
ANY_SIZE = 32  # of the pool; each request names the serving encoder's own

logger = logging.getLogger("ruiji.query")
requests = logging.getLogger(request_id.LOGGER)


@dataclass(frozen=True)
class _Question:
    """Which picture is asked about, and when; seconds since 1970."""

    request: str
    key: str
    _: KW_ONLY
    received: float
    sent_at: float
    deadline: float


def as_it_came(pixels: Pixels) -> Pixels:
    """The picture itself is the one view of it."""
    return pixels


class Queries:
    """Decodes in child processes, which an uploaded picture may kill without harm, and embeds in one thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._batcher = Batcher()
        self._pool = DecodePool(
            DECODE_CHILDREN,
            size=ANY_SIZE,
            max_pixels=context.limits.max_pixels,
            thumbnail_side=0,
            file_timeout_s=DECODE_TIMEOUT_S,
        )
        self._reader = PictureReader(self._pool, context.storage)

    def close(self) -> None:
        """Answer what is waiting, then end."""
        self._batcher.close()
        self._reader.close()
        self._pool.close()

    def embed(
        self,
        request: str,
        *,
        sent_at: float,
        deadline: float,
        key: str,
        encoder_id: str | None = None,
        any_way_up: bool = False,
    ) -> None:
        """Answer with the embedding of the picture stored under `key`; returns before the answer is sent."""
        received = time.time()
        if received > deadline:
            return
        with self._answering(request):
            chosen = self._encoder(encoder_id)
            question = _Question(request, key, received=received, sent_at=sent_at, deadline=deadline)
            self._embed(question, chosen, ways_up if any_way_up else as_it_came)

    def view(self, request: str, *, deadline: float, wanted: dict[str, Any], side: int) -> None:
        """Answer with a re-encoded picture of an image or an upload."""
        if time.time() > deadline:
            return
        with self._answering(request):
            self._view(request, deadline=deadline, wanted=wanted, side=side)

    @contextlib.contextmanager
    def _answering(self, request: str) -> Iterator[None]:
        """Whatever goes wrong is an answer too: without one, whoever asked waits and is told that no worker runs."""
        try:
            yield
        except (NoEncoder, UnknownEncoder) as error:
            self._refuse(request, NO_ENCODER, str(error))
        except Exception as error:
            logger.exception("a question could not be answered")
            self._refuse(request, WORKER_FAILED, f"the query worker cannot answer: {error or type(error).__name__}")

    def _encoder(self, encoder_id: str | None) -> tuple[str, Embedder]:
        models = self._context.models
        return models.serving() if encoder_id is None else (encoder_id, models.embedder(encoder_id))

    def _embed(self, question: _Question, chosen: tuple[str, Embedder], views: Callable[[Pixels], Pixels]) -> None:
        encoder_id, embedder = chosen
        request, deadline = question.request, question.deadline
        started = time.perf_counter()
        data = self._stored(request, question.key)
        if data is None:
            return
        read = time.perf_counter()
        try:
            picture = self._pool.decode_one(data, size=embedder.input_size, timeout_s=max(0.1, deadline - time.time()))
        except (PoolError, TimeoutError, ValueError) as error:
            self._refuse(request, "decode_failed", f"the picture was not decoded: {error or 'time limit'}")
            return
        if isinstance(picture, DecodeError):
            self._refuse(request, picture.kind, picture.reason)
            return
        decoded = time.perf_counter()
        stages = {
            "broker": max(0.0, question.received - question.sent_at) * 1000,
            "read": (read - started) * 1000,
            "decode": (decoded - read) * 1000,
        }

        def done(result: Embedded | Failed) -> None:
            if isinstance(result, Failed):
                if result.kind != "expired":
                    self._refuse(request, result.kind, result.reason)
                return
            answer = {
                "vectors": base64.b64encode(result.vector.astype("<f4").tobytes()).decode(),
                "dimension": embedder.dimension,
                "encoder_id": encoder_id,
                "width": picture.width,
                "height": picture.height,
                "sha256": picture.sha256,
                "stages_ms": {**stages, "wait": result.wait_ms, "embed": result.embed_ms},
                "sent_at": time.time(),
            }
            self._send(request, answer)
            requests.info("embedded", extra={"fields": {"encoder": encoder_id[:12], "stages_ms": _rounded(answer)}})

        # The batching thread works for many requests: its answer to each belongs to that one.
        answering = request_id.carried(done)
        self._batcher.submit(views(picture.pixels), embed=embedder.embed, deadline=deadline, done=answering)

    def _view(self, request: str, *, deadline: float, wanted: dict[str, Any], side: int) -> None:
        items = self._upload(request, wanted["key"]) if "key" in wanted else self._files(request, wanted["image_id"])
        refusals = []
        for item in items:
            try:
                view = self._reader.view_one(item, side=side, timeout_s=max(0.1, deadline - time.time()))
            except (PoolError, TimeoutError, ValueError) as error:
                view = DecodeError("decode_failed", f"the picture was not decoded: {error or 'time limit'}")
            if isinstance(view, bytes):
                self._send(request, {"bytes": base64.b64encode(view).decode()})
                return
            refusals.append(self._said(item, view))
        if refusals:
            self._refuse(request, min(refusals, key=_of_the_machine)[0], "; ".join(reason for _, reason in refusals))

    def _said(self, item: FileToRead | bytes, view: DecodeError) -> tuple[str, str]:
        """(kind, reason), which names the file, or what keeps this machine from seeing any file of its source."""
        if isinstance(item, bytes):
            return view.kind, view.reason
        if view.kind in ("vanished", "unreadable") and (why := self._context.storage.unseen(item.root)) is not None:
            return SOURCE_UNSEEN, f"{socket.gethostname()}: {why}"
        return view.kind, f"{os.fsdecode(item.path)}: {view.reason}"

    def _stored(self, request: str, key: str) -> bytes | None:
        store: ArtifactStore = self._context.store
        try:
            return store.get(key)
        except ArtifactMissing:
            self._refuse(request, "upload_missing", "the uploaded picture is no longer stored; upload it again")
            return None

    def _upload(self, request: str, key: str) -> list[FileToRead | bytes]:
        data = self._stored(request, key)
        return [] if data is None else [data]

    def _files(self, request: str, image_id: int) -> list[FileToRead | bytes]:
        """Every file that is known to hold the image: where one has gone, another may do."""
        if image_id not in get_images(self._context.ledger, [image_id]):
            self._refuse(request, "unknown_image", f"there is no image {image_id}")
            return []
        places = places_of(self._context.ledger, image_id)
        if not places:
            self._refuse(request, "file_gone", f"no file of image {image_id} is known any more")
        return [FileToRead(whole_path(place.root, place.path), place.root) for place in places]

    def _refuse(self, request: str, kind: str, reason: str) -> None:
        requests.info("refused", extra={"fields": {"kind": kind}})
        self._send(request, {"error": {"kind": kind, "reason": reason}})

    def _send(self, request: str, answer: dict[str, Any]) -> None:
        try:
            self._context.replies.send(request, answer)
        except Exception as error:  # whoever asked runs into the time limit and is told so
            logger.warning("an answer could not be sent: %s", error)


def _of_the_machine(refusal: tuple[str, str]) -> bool:
    """Sorts first what may pass when somebody mounts a disk."""
    return refusal[0] != SOURCE_UNSEEN


def _rounded(answer: dict[str, Any]) -> dict[str, float]:
    return {stage: round(took, 2) for stage, took in answer["stages_ms"].items()}
