"""Every request of a run: what it was, how long its answer took, and whether it was answered, refused or failed."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.stack import Answer, Stack

REFUSED = (429, 503)  # what a server says that has too much to do; the page asks again
NUMBER = re.compile(r"/[0-9a-f]{22,}|/\d+")
SHOWN = 20


@dataclass
class Meter:
    """Milliseconds of every answer, by kind. Safe to use from many threads."""

    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, ms: float, *, status: int, said: bytes) -> None:
        """An answer."""
        with self._lock:
            self.took_ms[kind].append(ms)
            if status in REFUSED:
                self.refused += 1
            elif status >= 400:
                self.errors.append(f"{kind}: {status} {said[:200]!r}")

    def failed(self, kind: str, error: Exception) -> None:
        """A request without an answer."""
        with self._lock:
            self.errors.append(f"{kind}: {error!r}")

    def figures(self) -> dict[str, Any]:
        """Of all requests, and of each kind."""
        together = [ms for times in self.took_ms.values() for ms in times]
        return {
            "requests": len(together),
            "errors": len(self.errors),
            "refused": self.refused,
            **percentiles(together),
            "by_kind": {
                kind: {"requests": len(times), **percentiles(times)} for kind, times in sorted(self.took_ms.items())
            },
            "first_errors": self.errors[:SHOWN],
        }


def percentiles(times: list[float]) -> dict[str, float]:
    """The median and what 95 and 99 of 100 stay under."""
    return {f"p{share}_ms": float(np.percentile(times, share)) for share in (50, 95, 99)} if times else {}


@dataclass
class Metered(Stack):
    """A stack as one person has it: a session of their own, and every request noted."""

    meter: Meter = field(default_factory=Meter)

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """As any stack's; noted."""
        kind = f"{method} {NUMBER.sub('/N', path.partition('?')[0])}"
        started = time.perf_counter()
        try:
            answer = super().request(method, path, body=body, headers=headers)
        except (OSError, http.client.HTTPException) as error:
            self.meter.failed(kind, error)
            raise
        self.meter.note(kind, 1000 * (time.perf_counter() - started), status=answer.status, said=answer.body)
        return answer
