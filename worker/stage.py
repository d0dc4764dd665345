"""What each stage of a run is given, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.gangs import Member
from catalog.runs import Run
from encoder.training.plan import FINISHED, STOPPED_CODE
from worker.context import Context
from worker.hold import Hold
from worker.part_process import PartProcess

LOOK_S = 0.2
# A step and the writing of a checkpoint; told to stop, a worker has less: `ruiji up` kills after 10 s.
PAUSE_WITHIN_S = 120.0
STOP_WITHIN_S = 7.0


@dataclass(frozen=True)
class Work:
    """A member's part of one stage, in the run's folder."""

    context: Context
    member: Member
    run: Run
    hold: Hold
    folder: Path

    @property
    def goes_on(self) -> bool:
        """Whether there is reason to go on."""
        return not self.context.stopping.is_set() and self.hold.now() == "go"


@dataclass(frozen=True)
class Left:
    """The stage is not done. `error` says why, unless it was told to stop; `counts` towards giving the run up."""

    error: str | None = None
    counts: bool = True


def told_to_leave(work: Work) -> Left:
    """How a stage ends that was not allowed to go on: another rank's death counts, being told to stop does not."""
    return Left(counts=not work.context.stopping.is_set() and work.hold.now() in ("broken", "lost"))


def follow(work: Work, part: PartProcess) -> int | None:
    """Wait for a process of the stage; its exit code, or None when it was stopped before its end."""
    while (code := part.wait(LOOK_S)) is None:
        if work.goes_on:
            continue
        if work.hold.now() in ("paused", "cancelled") or work.context.stopping.is_set():
            code = part.stop(within_s=STOP_WITHIN_S if work.context.stopping.is_set() else PAUSE_WITHIN_S)
            # In its first seconds SIGTERM ends it at once: that is no crash, whatever the run's state is by now.
            return code if code in (FINISHED, STOPPED_CODE) else None
        return None
    return code
