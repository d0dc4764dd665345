"""The counters behind the limits of requests, which also end when the clock is set back."""

from __future__ import annotations

import time

from limits.storage import MemoryStorage


class SteadyCounters(MemoryStorage):
    """A counter of `limits` ends at a moment of the wall clock. Set back by an hour, that was an hour without an end,
    and everybody behind the address was answered 429 for as long."""

    STORAGE_SCHEME = ["steady"]  # noqa: RUF012  so it is declared by `limits`, which finds it by its name

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """As before, after forgetting a counter that would end later than a new one."""
        if self.expirations.get(key, 0.0) > time.time() + expiry:
            self.clear(key)
        return super().incr(key, expiry, amount)
