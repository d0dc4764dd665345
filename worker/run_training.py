"""The stage in which a run is trained: this worker's rank of it, from its start to its exit code."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from catalog import gangs
from catalog.run_progress import note_epochs, note_progress
from encoder.training.errors import TrainingError
from encoder.training.plan import FINISHED, PAUSED, PLAN, STOPPED_CODE, stopped_reason
from encoder.training.position import checkpoints
from worker import launch
from worker.part_process import PartProcess
from worker.reach import free_port
from worker.run_folder import OUTPUT, locked
from worker.run_log import EventFiles, RunLog
from worker.stage import LOOK_S, Left, Work, follow, told_to_leave

logger = logging.getLogger("ruiji.train")


def train(work: Work) -> Left | None:
    """Train this member's rank; None when the stage is done. Raises TrainingError and FolderBusy."""
    first = work.member.rank == 0
    with locked(work.folder) if first else contextlib.nullcontext(()) as held, _process(work, held) as part:
        if part is None:
            return told_to_leave(work)
        reports = Reports(work) if first else None
        code = follow_and_report(work, part, reports)
        if code == STOPPED_CODE:
            raise TrainingError(stopped_reason(work.folder) or part.last_words())
        if code == FINISHED:
            return _finished(work)
        if code is None or code == PAUSED or not work.goes_on:
            return told_to_leave(work)
        return Left(error=_crash(work, part, code))


class Reports:
    """What the first rank's worker reads in the run's folder and tells the ledger."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._log = RunLog(work.folder)
        self._events = EventFiles(work.folder)
        self._known = checkpoints(work.folder)[-1:]

    def look(self) -> None:
        """Pass on what has come since the last look; a ledger that is locked hears of it at the next."""
        ledger, member = self._work.context.ledger, self._work.member
        if epochs := self._log.new():
            note_epochs(ledger, member, epochs)
            self._events.add(epochs)
        # A checkpoint that was not there, rather than a line of the log: from it the next gang would go on.
        if (newest := checkpoints(self._work.folder)[-1:]) > self._known:
            self._known = newest
            note_progress(ledger, member)

    def close(self) -> None:
        """The rest."""
        self.look()
        self._events.close()


def follow_and_report(work: Work, part: PartProcess, reports: Reports | None) -> int | None:
    """`follow`, with a look at the run's folder now and then."""
    if reports is None:
        return follow(work, part)
    while (code := part.wait(LOOK_S)) is None and work.goes_on:
        reports.look()
    if code is None:
        code = follow(work, part)
    reports.close()
    return code


@contextlib.contextmanager
def _process(work: Work, held: tuple[int, ...]) -> Iterator[PartProcess | None]:
    """The process of this rank; None when the gang was lost before its ranks could meet."""
    context, member, plan = work.context, work.member, work.folder / PLAN
    address = context.train_address
    if member.size == 1:
        command = launch.train_alone(plan)
    elif (endpoint := _meeting_point(work)) is not None:
        command = launch.train_ranked(plan, member, endpoint=endpoint, address=address)
    else:
        yield None
        return
    part = PartProcess(
        command,
        log=work.folder / (OUTPUT if member.rank == 0 else f"rank-{member.rank}-{OUTPUT}"),
        environment=launch.environment(device=context.device, address=address),
        pass_fds=held,
        ranked=member.size > 1,
    )
    try:
        yield part
    finally:
        part.close()


def _meeting_point(work: Work) -> str | None:
    """Where the ranks of this gang meet: a port on the first one's host, which it says in the ledger."""
    context, member = work.context, work.member
    if member.rank == 0:
        endpoint = f"{context.train_address}:{free_port(context.train_address)}"
        gangs.meet_at(context.ledger, member, endpoint)
        return endpoint
    while work.goes_on:
        if (said := gangs.endpoint_of(context.ledger, member)) is not None:
            return said
        context.stopping.wait(LOOK_S)
    return None


def _finished(work: Work) -> Left | None:
    """The first rank ends the stage; the others keep their place until then, or the gang would look broken."""
    if work.member.rank == 0:
        gangs.advance(work.context.ledger, work.member, "ship")
        return None
    while work.goes_on:
        work.context.stopping.wait(LOOK_S)
    return None if work.hold.now() == "moved" else told_to_leave(work)


def _crash(work: Work, part: PartProcess, code: int) -> str:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
    words = part.last_words()
    logger.warning("run %d, rank %d %s: %s", work.run.id, work.member.rank, how, words)
    return f"rank {work.member.rank} on {work.member.worker} {how}{f': {words}' if words else ''}"
