"""Answers to questions asked through the broker: one Redis list per request, filled once, gone after its expiry.

Celery's result backend is left out on purpose: waiting on it from many threads at once has a history of faults
(celery issues 4480 and 5145), and a list with a blocking pop needs no shared state in the waiting process.
"""

from __future__ import annotations

import json
import time
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

REPLY_TTL_S = 60
ALIVE_TTL_S = 10
_LONGEST_POP_S = 20.0

# Refusals that say nothing about the picture: the worker, or what it works with, is at fault.
NO_ENCODER = "no_encoder"
WORKER_FAILED = "worker_failed"
BUSY = "busy"
NOT_EMBEDDED = "internal"
SOURCE_UNSEEN = "source_unseen"
NOT_THE_PICTURE = frozenset({NO_ENCODER, WORKER_FAILED, BUSY, NOT_EMBEDDED, SOURCE_UNSEEN})


def connect(broker_url: str) -> redis.Redis:
    """A Redis client for the URL that Celery takes; the connection itself is made at the first command."""
    parts = urlsplit(broker_url)
    options: dict[str, Any] = {
        "socket_connect_timeout": 3,
        # Longer than the longest blocking pop, so that only a dead peer runs into it.
        "socket_timeout": _LONGEST_POP_S + 5,
        # One new try covers a pooled connection that a restarted broker has closed.
        "retry": Retry(NoBackoff(), 1),
    }
    if parts.scheme == "redis+socket":
        database = int(parse_qs(parts.query).get("virtual_host", ["0"])[0])
        return redis.Redis(unix_socket_path=parts.path, db=database, password=parts.password, **options)
    return redis.Redis.from_url(broker_url, **options)


class Replies:
    """Both ends of the reply lists, and the signs of life of the query workers."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def send(self, request: str, answer: dict[str, Any]) -> None:
        """Answer a request; nobody has to be waiting."""
        key = f"ruiji:reply:{request}"
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, json.dumps(answer, separators=(",", ":")))
            pipe.expire(key, REPLY_TTL_S)
            pipe.execute()

    def wait(self, request: str, *, timeout_s: float) -> dict[str, Any] | None:
        """The answer, or None when none came in time."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            found = self._redis.blpop([f"ruiji:reply:{request}"], timeout=min(max(left, 0.01), _LONGEST_POP_S))
            if found is not None:
                return cast(dict[str, Any], json.loads(cast(list[bytes], found)[1]))
        return None

    def sign_of_life(self, queue: str) -> None:
        """Say that a worker of this queue is there; holds for ALIVE_TTL_S."""
        self._redis.set(f"ruiji:alive:{queue}", "1", ex=ALIVE_TTL_S)

    def alive(self, queue: str) -> bool:
        """Whether a worker of this queue was there in the last ALIVE_TTL_S."""
        return bool(self._redis.exists(f"ruiji:alive:{queue}"))

    def waiting(self, queue: str) -> int:
        """Messages of a queue that nobody has taken yet."""
        return self._redis.llen(queue)

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()
