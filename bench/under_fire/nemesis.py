"""Faults in a seeded order: kills, stops, a wiped broker, a full disk, a clock that jumps, errors and ends between two
durable writes."""

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
from bench.under_fire.engines import Engines
from bench.under_fire.kinds import JUMP, KINDS, OF_ENGINES, OF_TRAININGS, SERVERS
from bench.under_fire.world import LEASE_S, World
from worker.replies import connect

RECOVERED_S = 180.0
POINTS = ("scan.recorded", "artifact.written", "shard.written", "chunk.committed", "index.upserted", "index.finished")
# Of the wall clock, in seconds from the machine's: longer than every lease, a day, a step back, and right again.
MOVES = (600.0, 86_400.0, -3_600.0, 0.0)
ERRORS = ("ENOSPC", "EIO")
# The worker that trains, twice as often as the process in which it does: that one is not always there.
TRAINERS = ("train", "train", "training")
CALLED = {"train": "worker", "training": "process"}
NO_STAGE = "no stage"
STAGES = ("prepare", "train", "train", "ship")
# Where nothing else strikes, there is time to wait for the rarest.
STAGE_WITHIN_S, RARE_STAGE_S, STAGE_LASTS_S = 10.0, 40.0, 4.0
STOPPED = ("web", "query", "embed", "second", "child", "broker", "index server", "index")
LONGEST_AWAY_S = 2.0  # until an engine that was killed is started again
LONGEST_STOP_S = 2.0 * LEASE_S


@dataclass
class Nemesis:
    """Strikes at a world; `counts` what struck, `recovery_s` of each kind from the fault to the next search that finds
    something, `ended` those that only an engine had, and that `ruiji up` or a worker did not outlive. `stages` says of
    those that struck a training in which stage it was, and what of it was struck."""

    world: World
    probe: Callable[[], bool]
    seed: int
    only: tuple[str, ...] = KINDS
    counts: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    recovery_s: dict[str, list[float]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    stages: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._deck: list[str] = []

    def strike(self) -> None:
        """One fault, and all started again; returns when a search finds something."""
        kind = self._draw()
        before = self._ours()
        began = self._do(kind)
        if began is None:
            return
        self.counts[kind] += 1
        self.recovered(kind, began)
        if (
            self.world.engines is not None
            and kind in (*OF_ENGINES, "broker wiped", "broker lost")
            and self._ours() != before
        ):
            self.ended[kind] = self.ended.get(kind, 0) + 1

    def recovered(self, kind: str, began: float) -> None:
        """Start what ended, and wait until a search is answered; RuntimeError if it never is."""
        until = time.monotonic() + RECOVERED_S
        while True:
            self.world.start()
            if self.probe():
                break
            if time.monotonic() > until:
                raise RuntimeError(f"no answer {RECOVERED_S:.0f} s after a fault: {dict(self.counts)}")
            time.sleep(0.1)
        self.recovery_s.setdefault(kind, []).append(time.monotonic() - began)

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
        if kind == "kill training":
            return self._kill_training()
        if kind == "stop training":
            return self._stop_training()
        if kind == "stop":
            return self._stop()
        if kind == "broker wiped":
            return self._wipe()
        if kind == "broker lost":
            return self._kill("broker", lose="valkey")
        if kind == JUMP:
            return self._jump()
        if kind == "disk full":
            return self._fill()
        if kind == "kill backend":
            return self._kill_backend()
        if kind.startswith("stop "):
            return self._stop(kind.removeprefix("stop "))
        return self._kill(kind.removeprefix("kill "))

    def _kill(self, part: str, *, lose: str = "") -> float | None:
        if part == "child":
            time.sleep(self.random.uniform(0.0, 0.3))
        engines = self.world.engines
        if engines is not None and part in engines:
            return self._kill_engine(engines, part, lose=bool(lose))
        pids = self.world.pids(part)
        if not pids:
            return None
        if engines is not None and part == "everything":
            for name in SERVERS:
                engines.kill(name)
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

    def _kill_engine(self, engines: Engines, part: str, *, lose: bool) -> float | None:
        if not engines.kill(part):
            return None
        self.kills += 1
        if lose:
            engines.lose_messages()
        time.sleep(self.random.uniform(0.0, LONGEST_AWAY_S))
        return time.monotonic()

    def _kill_backend(self) -> float | None:
        """PostgreSQL ends all others too then, and recovers by itself."""
        if self.world.engines is None or not (pids := self.world.engines.backends()):
            return None
        began = time.monotonic()
        self.world.send([self.random.choice(pids)], signal.SIGKILL)
        self.kills += 1
        return began

    def _ours(self) -> set[int]:
        """The processes that have started all others of Ruiji's; they change when one of those has ended."""
        return {one.pid for one in (self.world.stack.process, self.world.second) if one is not None}

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

    def _kill_training(self) -> float | None:
        """Nothing else ends with it: another worker is started, and the process dies with its worker."""
        if not self._training_comes():
            return None
        part = self.random.choice(TRAINERS)
        if not (pids := self.world.pids(part)):
            return None
        stage = self._stage()
        began = time.monotonic()
        self.world.send(pids, signal.SIGKILL)
        self.kills += 1
        self.stages[f"kill training: {stage}, {CALLED[part]}"] += 1
        return began

    def _stop_training(self) -> float | None:
        if not self._training_comes():
            return None
        part = self.random.choice(TRAINERS)
        stage = self._stage()
        began = self._stop(part)
        if began is not None:
            self.stages[f"stop training: {stage}, {CALLED[part]}"] += 1
        return began

    def _training_comes(self) -> bool:
        """Wait for a run to be in some stage of its three, then somewhat longer: struck at once, none came far."""
        stage = self.random.choice(STAGES)
        until = time.monotonic() + (RARE_STAGE_S if set(self.only) <= {*OF_TRAININGS, JUMP} else STAGE_WITHIN_S)
        while self._stage() != stage:
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        time.sleep(self.random.uniform(0.0, STAGE_LASTS_S))
        return True

    def _stage(self) -> str:
        """The one in which the training is; it may have ended since it was looked for."""
        there = self.world.query(
            "SELECT r.stage FROM run r JOIN trainer t ON t.run_id = r.id AND t.gang = r.gang WHERE r.state = 'running'"
        )
        return str(there[0][0]) if there else NO_STAGE

    def _stop(self, given: str = "") -> float | None:
        part = given or self.random.choice(STOPPED)
        pids = self.world.pids(part)
        if not pids:
            return None
        self.world.send(pids, signal.SIGSTOP)
        slow = ("embed", "second", "index", *TRAINERS)
        longest = 1.6 * LEASE_S if part in slow else LONGEST_STOP_S if given else 1.0
        time.sleep(self.random.uniform(0.1, longest))
        began = time.monotonic()
        self.world.send(pids, signal.SIGCONT)
        return began

    def _wipe(self) -> float | None:
        connection = connect(self.world.settings.resolved_broker_url())
        try:
            connection.flushall()
        except (RedisError, OSError):
            return None
        finally:
            connection.close()
        return time.monotonic()

    def _jump(self) -> float | None:
        """Everything that was started has another wall time at once, and goes by it until the next jump."""
        clock = self.world.clock
        if clock is None or not clock.works:
            return None
        time.sleep(self.random.uniform(0.0, 1.5 * LEASE_S))
        clock.move(self.random.choice([to for to in MOVES if to != clock.moved_s]))
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
