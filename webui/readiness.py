"""Whether every part that an answer needs is there: each asked in a thread of its own, all within a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

Check = Callable[[], object]

OK, SILENT, FAILED = "ok", "no answer in time", "does not answer"
WITHIN_S = 2.0


class Readiness:
    """A part that hangs is asked again only when it has come back: no probe adds to the threads that wait for it."""

    def __init__(self, checks: Mapping[str, Check], *, within_s: float = WITHIN_S) -> None:
        self._checks = checks
        self._within_s = within_s
        self._lock = threading.Lock()
        self._asking: dict[str, _Asked] = {}

    def look(self) -> dict[str, str]:
        """Part -> ok, or what it is not, in words that tell nothing of its address or its error."""
        with self._lock:
            asked = {name: self._ask(name, check) for name, check in self._checks.items()}
        until = time.monotonic() + self._within_s
        return {name: one.state(max(0.0, until - time.monotonic())) for name, one in asked.items()}

    def _ask(self, name: str, check: Check) -> _Asked:
        before = self._asking.get(name)
        if before is None or before.done:
            before = self._asking[name] = _Asked(name, check)
        return before


class _Asked:
    """One question to a part."""

    def __init__(self, name: str, check: Check) -> None:
        self._answer: str | None = None
        self._check = check
        self._thread = threading.Thread(target=self._run, name=f"ready-{name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return self._answer is not None

    def state(self, timeout_s: float) -> str:
        """Wait for so long at most."""
        self._thread.join(timeout_s)
        return self._answer or SILENT

    def _run(self) -> None:
        try:
            self._check()
        except Exception:  # whatever it is, the probe is answered
            self._answer = FAILED
        else:
            self._answer = OK
