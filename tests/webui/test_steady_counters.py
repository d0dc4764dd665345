"""The counters behind the limits of requests end when the clock is set back, too."""

from __future__ import annotations

import time

import pytest
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from webui.security import COUNTERS

TWICE = RateLimitItemPerMinute(2)


def test_a_limit_holds_for_its_time_and_no_longer_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = FixedWindowRateLimiter(storage_from_string(COUNTERS))
    wall, moved_s = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: wall() + moved_s)
    assert [limiter.hit(TWICE, "anna") for _ in range(3)] == [True, True, False]
    moved_s = -30.0
    assert not limiter.hit(TWICE, "ben", cost=3), "it counts as before"
    moved_s = -3600.0
    assert [limiter.hit(TWICE, "anna") for _ in range(3)] == [True, True, False]
    moved_s = 0.0
    assert limiter.hit(TWICE, "anna")
