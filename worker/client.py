"""Typed calls to the workers, for the web server and the command line: no torch, no decoding, no tasks imported."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import numpy as np
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.app import (
    DRAW_MAP,
    EMBED_QUERY,
    IMPORT_ENCODER,
    PING,
    RECONCILE,
    VIEW,
    WORK_EMBED,
    WORK_INDEX,
    WORK_TRAIN,
    make_celery,
)
from worker.broker_errors import explained
from worker.replies import NOT_THE_PICTURE, Replies, connect
from worker.requests import headers

Vector = np.ndarray[Any, np.dtype[np.float32]]
# A wake-up that nobody took in this time is of no use: the sweep has sent newer ones.
WAKE_UP_EXPIRES_S = 60
DRAW_EXPIRES_S = 600  # behind other maps; whoever has waited for longer has gone away
# No sign of life of a query worker and no answer for this long: it is down, and waiting on would only keep a person.
GIVE_UP_S = 1.5


class WorkerError(Exception):
    """A worker did not do what it was asked."""


class WorkerUnavailable(WorkerError):
    """No worker, or no broker, answered in time, or none can at present; the message says which and the remedy."""


class QueryFailed(WorkerError):
    """The worker looked at the picture and refused it: `kind` for programs, `reason` for people."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class EncoderRefused(WorkerError):
    """What was to be taken in is no encoder, or a damaged one; the message names the file and the remedy."""


@dataclass(frozen=True)
class QueryEmbedding:
    """A query's vectors, (n, d) float32 of length 1, the encoder that made them, and the milliseconds of each stage.

    One, of the picture as it came; or eight, of the ways up in the order of `catalog.ways_up.WAYS`.
    """

    vectors: Vector
    encoder_id: str
    width: int
    height: int
    sha256: str
    stages_ms: dict[str, float]

    @property
    def vector(self) -> Vector:
        """Of the picture as it came, (d,)."""
        return cast(Vector, self.vectors[0])


class Client:
    """Wake-ups and questions; safe to share between threads."""

    def __init__(self, broker_url: str) -> None:
        self._app = make_celery(broker_url)
        self._app.set_as_current = False
        self._replies = Replies(connect(broker_url))

    def wake_embed(self) -> None:
        """Tell an embed worker that there may be scans or chunks to claim."""
        self._wake(WORK_EMBED, queue="embed")

    def wake_index(self) -> None:
        """Tell an index worker that there may be shards or changed rows to write."""
        self._wake(WORK_INDEX, queue="index")

    def wake_train(self) -> None:
        """Tell a training worker that there may be runs that wait for it."""
        self._wake(WORK_TRAIN, queue="train")

    def embed_query(
        self, *, key: str, timeout_s: float, encoder_id: str | None = None, any_way_up: bool = False
    ) -> QueryEmbedding:
        """Decode and embed the picture stored under an artifact key, with the encoder that serves or the one named.

        Raises QueryFailed when the picture is refused, WorkerUnavailable when no answer comes within `timeout_s`.
        """
        answer = self._ask(EMBED_QUERY, [key, encoder_id, any_way_up], queue="query", timeout_s=timeout_s)
        vectors = np.frombuffer(base64.b64decode(answer["vectors"]), dtype="<f4").astype(np.float32)
        stages = cast(dict[str, float], answer["stages_ms"])
        stages["reply"] = max(0.0, (time.time() - float(answer["sent_at"])) * 1000)
        return QueryEmbedding(
            vectors=vectors.reshape(-1, int(answer["dimension"])),
            encoder_id=answer["encoder_id"],
            width=answer["width"],
            height=answer["height"],
            sha256=answer["sha256"],
            stages_ms=stages,
        )

    def full_view(self, image_id: int, *, side: int, timeout_s: float = 8.0) -> bytes:
        """An image's file, decoded and encoded anew with at most `side` pixels a side; errors as in embed_query."""
        answer = self._ask(VIEW, [{"image_id": image_id}, side], queue="query", timeout_s=timeout_s)
        return base64.b64decode(answer["bytes"])

    def upload_view(self, key: str, *, side: int, timeout_s: float = 8.0) -> bytes:
        """The same for a picture stored under an artifact key."""
        answer = self._ask(VIEW, [{"key": key}, side], queue="query", timeout_s=timeout_s)
        return base64.b64decode(answer["bytes"])

    def ping(self, queue: str, *, timeout_s: float) -> dict[str, Any]:
        """Who answers on a queue: name and process id."""
        return self._ask(PING, [], queue=queue, timeout_s=timeout_s)

    def import_encoder(self, path: str, *, timeout_s: float) -> str:
        """Have a worker take in the encoder in a folder or zip; returns its id. EncoderRefused, WorkerUnavailable."""
        try:
            return str(self._ask(IMPORT_ENCODER, [path], queue="query", timeout_s=timeout_s)["encoder_id"])
        except QueryFailed as error:
            raise EncoderRefused(error.reason) from error

    def draw_map(self, map_id: str) -> None:
        """Tell a worker to draw a map; how far it is can be read with it. WorkerUnavailable."""
        try:
            self._app.send_task(DRAW_MAP, args=[map_id], queue="query", expires=DRAW_EXPIRES_S, headers=headers())
        except (OperationalError, RedisError, OSError) as error:
            raise _no_broker(error) from error

    def reconcile(self, *, repair: bool, timeout_s: float) -> dict[str, Any]:
        """Compare ledger, shards and index in the one process that may write the index; counts by name."""
        return cast(dict[str, Any], self._ask(RECONCILE, [repair], queue="index", timeout_s=timeout_s)["report"])

    def waiting(self, queue: str) -> int:
        """Messages that nobody has taken yet."""
        try:
            return self._replies.waiting(queue)
        except RedisError as error:
            raise _no_broker(error) from error

    def close(self) -> None:
        """Give all connections back."""
        self._replies.close()
        self._app.close()

    def _wake(self, task: str, *, queue: str) -> None:
        try:
            # A message that waits already will wake the worker just as well.
            if self._replies.waiting(queue) == 0:
                self._app.send_task(task, queue=queue, expires=WAKE_UP_EXPIRES_S, headers=headers())
        except (OperationalError, RedisError, OSError) as error:
            raise _no_broker(error) from error

    def _ask(self, task: str, arguments: list[Any], *, queue: str, timeout_s: float) -> dict[str, Any]:
        request = uuid4().hex
        started, until = time.time(), time.monotonic() + timeout_s  # a clock that is set back must not make us wait
        try:
            self._app.send_task(
                task,
                args=[request, started, started + timeout_s, *arguments],
                queue=queue,
                expires=timeout_s,
                headers=headers(),
            )
            answer = self._replies.wait(request, timeout_s=min(timeout_s, GIVE_UP_S))
            if answer is None and (queue != "query" or self._replies.alive(queue)):
                answer = self._replies.wait(request, timeout_s=until - time.monotonic())
        except (OperationalError, RedisError, OSError) as error:
            raise _no_broker(error) from error
        if answer is None:
            raise WorkerUnavailable(
                f"no {queue} worker answered within {timeout_s - (until - time.monotonic()):.1f} s;"
                f" start one with `ruiji up`, or `ruiji worker --queues {queue}`"
            )
        if "error" in answer:
            if answer["error"]["kind"] in NOT_THE_PICTURE:
                raise WorkerUnavailable(answer["error"]["reason"].rstrip("."))
            raise QueryFailed(answer["error"]["kind"], answer["error"]["reason"])
        return answer


def _no_broker(error: Exception) -> WorkerUnavailable:
    return WorkerUnavailable(explained(error))
