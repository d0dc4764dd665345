"""Carries the id of a request with every message of Celery, and into the log of the worker that takes it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from celery import signals

from catalog import request_id

HEADER = "ruiji_request"

_running: dict[str, AbstractContextManager[None]] = {}


def headers() -> dict[str, str]:
    """What a message carries: the id of the request that it is sent for, or nothing."""
    request = request_id.current()
    return {HEADER: request} if request else {}


def follow_requests() -> None:
    """From now on, a task of this process works for the request that its message was sent for."""
    signals.task_prerun.connect(_begin, weak=False)
    signals.task_postrun.connect(_end, weak=False)


def _begin(task_id: str, task: Any, **_: Any) -> None:
    # It came over the network: what is no id of ours must not reach the log.
    given = getattr(task.request, HEADER, None)
    if given and request_id.accepted(given) == given:
        working = request_id.working_for(given)
        working.__enter__()
        _running[task_id] = working


def _end(task_id: str, **_: Any) -> None:
    if (working := _running.pop(task_id, None)) is not None:
        working.__exit__(None, None, None)
