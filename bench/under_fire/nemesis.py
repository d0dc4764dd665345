"""Faults in a seeded order: kills, stops, a wiped broker, a full disk, errors and ends between two durable writes."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from bench.under_fire.disk import filled
from bench.under_fire.world import LEASE_S, World
from settings import Settings
from worker.replies import connect

RECOVERED_S = 180.0
POINTS = ("scan.recorded", "artifact.written", "shard.written", "chunk.committed", "index.upserted", "index.finished")
ERRORS = ("ENOSPC", "EIO")
STOPPED = ("web", "query", "embed", "second", "child", "broker", "index server", "index")
# What a run draws from, each as often as it stands here, in a new order each round.
KINDS = (
    *("kill web", "kill query", "kill embed", "kill index", "kill broker", "kill index server", "kill everything"),
    *("kill second", "kill second", "kill child", "kill child", "kill child"),
    *("kill at a point", "kill at a point", "error at a point", "error at a point", "hold at a point"),
    *("stop", "stop", "stop", "broker wiped", "broker lost", "disk full", "disk full"),
)


@dataclass
class Nemesis:
    """Strikes at a world; `counts` what struck, `recovery_s` from each fault to the next answer of every part."""

    world: World
    probe: Callable[[], bool]
    seed: int
    only: tuple[str, ...] = KINDS
    counts: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    recovery_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._deck: list[str] = []

    def strike(self) -> None:
        """One fault, and all started again; returns when searches and labels are answered."""
        kind = self._draw()
        began = self._do(kind)
        if began is None:
            return
        self.counts[kind] += 1
        self.recovered(began)

    def recovered(self, began: float) -> None:
        """Start what ended, and wait until a search is answered; RuntimeError if it never is."""
        until = time.monotonic() + RECOVERED_S
        while True:
            self.world.start()
            if self.probe():
                break
            if time.monotonic() > until:
                raise RuntimeError(f"no answer {RECOVERED_S:.0f} s after a fault: {dict(self.counts)}")
            time.sleep(0.1)
        self.recovery_s.append(time.monotonic() - began)

    def _draw(self) -> str:
        if not self._deck:
            self._deck = self.random.sample(self.only, len(self.only))
        return self._deck.pop()

    def _do(self, kind: str) -> float | None:
        """The moment from which recovery counts; None if nothing could be struck."""
        if kind == "kill at a point":
            return self._kill_at_point()
        if kind == "error at a point":
            return self._error_at_point()
        if kind == "hold at a point":
            return self._hold()
        if kind == "stop":
            return self._stop()
        if kind == "broker wiped":
            return self._wipe()
        if kind == "broker lost":
            return self._kill("broker", lose="valkey")
        if kind == "disk full":
            return self._fill()
        return self._kill(kind.removeprefix("kill "))

    def _kill(self, part: str, *, lose: str = "") -> float | None:
        if part == "child":
            time.sleep(self.random.uniform(0.0, 0.3))
        pids = self.world.pids(part)
        if not pids:
            return None
        pids = pids if part == "everything" else pids[:1] if part == "child" else pids
        began = time.monotonic()
        self.world.send(pids, signal.SIGKILL)
        self.kills += 1
        if part == "second" and self.world.second is not None:
            self.world.second.wait(timeout=30)
        elif part != "child":
            self._gone()
        if lose:
            shutil.rmtree(self.world.stack.home / lose)
        return began

    def _gone(self) -> None:
        """After a part's death all others end by themselves; not one that is looked for here is left."""
        if left := self.world.stack.wait_gone():
            raise RuntimeError(f"the death of one part must stop all: {left}")

    def _kill_at_point(self) -> float | None:
        point = self.random.choice(POINTS)
        before = set(self.world.pids("everything"))
        self.world.arm(point, "SIGKILL")
        if not self.world.fired(point, within_s=10):
            return None
        began = time.monotonic()
        self.kills += 1
        while set(self.world.pids("everything")) >= before:
            time.sleep(0.02)
        time.sleep(0.3)  # until `ruiji up` has seen that it was one of its own
        if self.world.second is None or self.world.second.poll() is None:
            self._gone()
        return began

    def _error_at_point(self) -> float | None:
        point = self.random.choice(POINTS)
        self.world.arm(point, self.random.choice(ERRORS))
        return time.monotonic() if self.world.fired(point, within_s=10) else None

    def _hold(self) -> float | None:
        """Stop a worker just before its commit until another has done its chunk, then let it go on."""
        committed = "SELECT count(*) FROM chunk WHERE fence > 1 AND state = 'done'"
        before = self.world.query(committed)[0][0]
        self.world.arm("shard.written", "SIGSTOP")
        if not self.world.fired("shard.written", within_s=10):
            return None
        until = time.monotonic() + 4 * LEASE_S
        while time.monotonic() < until and self.world.query(committed)[0][0] == before:
            time.sleep(0.1)
        began = time.monotonic()
        self.world.send(self.world.pids("everything"), signal.SIGCONT)
        return began

    def _stop(self) -> float | None:
        part = self.random.choice(STOPPED)
        pids = self.world.pids(part)
        if not pids:
            return None
        self.world.send(pids, signal.SIGSTOP)
        longest = 1.6 * LEASE_S if part in ("embed", "second", "index") else 1.0
        time.sleep(self.random.uniform(0.1, longest))
        began = time.monotonic()
        self.world.send(pids, signal.SIGCONT)
        return began

    def _wipe(self) -> float | None:
        connection = connect(f"redis+socket://{Settings(home=self.world.stack.home).socket_path}?virtual_host=0")
        try:
            connection.flushall()
        except (RedisError, OSError):
            return None
        finally:
            connection.close()
        return time.monotonic()

    def _fill(self) -> float | None:
        if not self.world.disk:
            return None
        left = self.random.choice((0, 0, 40_000, 1_000_000, 20_000_000))
        with filled(self.world.room / "disk", left=left):
            time.sleep(self.random.uniform(0.3, 2.0))
        time.sleep(0.5)  # until `ruiji up` has seen the end of a part
        if not self.world.up():
            self._gone()
        return time.monotonic()
