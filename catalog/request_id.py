"""The id of the request that is being answered: one for all that is done for it, in whichever process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar
from uuid import uuid4

__all__ = ["LOGGER", "accepted", "carried", "current", "working_for"]

P = ParamSpec("P")
T = TypeVar("T")

# One line for each request and each question to a worker: too much for a terminal, what JSON lines are read for.
LOGGER = "ruiji.request"
# What a proxy or a tracing program makes: a UUID, a ULID, 32 hexadecimal digits. Nothing that a log could stumble over.
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_current: ContextVar[str] = ContextVar("ruiji_request_id", default="")


def current() -> str:
    """The id of the request that this thread works for; empty when it works for none."""
    return _current.get()


def accepted(given: str | None) -> str:
    """The id that came with a request, if it is one; otherwise a new one."""
    return given if given and _WELL_FORMED.fullmatch(given) else uuid4().hex


@contextmanager
def working_for(request: str) -> Iterator[None]:
    """Within the block, this thread works for the request."""
    before = _current.set(request)
    try:
        yield
    finally:
        _current.reset(before)


def carried(function: Callable[P, T]) -> Callable[P, T]:
    """The function as a part of the present request, whichever thread calls it later."""
    request = current()

    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with working_for(request):
            return function(*args, **kwargs)

    return inside
