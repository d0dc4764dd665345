"""The broker: is it there, new enough, has it room, does it throw messages away, is its clock right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import redis
from redis.exceptions import RedisError

from catalog.clock_ahead import least_ahead
from deploy.checkup.finding import Finding, How, at_least, clock, in_gb
from settings import Settings
from worker.broker_errors import explained
from worker.replies import connect

OLDEST = (7, 0)
NEARLY_FULL, FULL = 0.8, 0.95


def look(settings: Settings) -> Iterator[Finding]:
    """Every finding of it; the first is `broker`, ok only when it answers."""
    connection = connect(settings.resolved_broker_url())
    try:
        connection.ping()
        yield from examine(connection)
    except (RedisError, OSError) as error:
        if settings.broker_url:
            yield Finding("broker", "wrong", explained(error), "start it, or correct RUIJI_BROKER_URL")
        else:
            yield Finding("broker", "note", "not running", "`ruiji up` starts it with everything else")
    finally:
        connection.close()


def examine(connection: redis.Redis) -> Iterator[Finding]:
    """Of one that answers."""
    try:
        info = connection.info()
    except RedisError as error:  # a user of it that may not ask
        yield Finding("broker", "ok", f"answers; its state cannot be asked for ({error})")
        return
    valkey = info.get("valkey_version")
    if valkey:  # calls itself Redis 7.2.4 for those who ask for that
        yield Finding("broker", "ok", f"answers: Valkey {valkey}")
    else:
        yield at_least("broker", str(info.get("redis_version", "?")), OLDEST, name="Redis")
    yield from memory(info)
    before = time.time()
    seconds, micros = connection.time()
    ahead_s = least_ahead(before, seconds + micros / 1e6, time.time())
    yield clock("clock of this machine and the broker", ahead_s)


def memory(info: dict[str, Any]) -> Iterator[Finding]:
    """A full one refuses messages; one that evicts loses searches that people wait for."""
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    share = used / most if most else 0.0
    how: How = "wrong" if share >= FULL else "warning" if share >= NEARLY_FULL else "ok"
    limit = f"of {in_gb(most)}, {share:.0%}" if most else "without a limit"
    do = "" if how == "ok" else "raise its maxmemory, or find out what else fills it (redis-cli --bigkeys)"
    yield Finding("broker's memory", how, f"{in_gb(used)} used {limit}", do)
    if policy == "noeviction" or not most:
        yield Finding("broker's eviction policy", "ok", policy)
    else:
        yield Finding(
            "broker's eviction policy", "wrong", f"{policy}: it throws messages and answers away when it is full",
            "set maxmemory-policy to noeviction",
        )  # fmt: skip
