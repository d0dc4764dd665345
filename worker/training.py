"""The training worker's loop: it offers itself, takes its place in a gang, and works until no run waits."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping

from catalog import gangs
from catalog.errors import CatalogError
from catalog.gangs import Member, Waiting
from catalog.runs import Stage, get_run, list_runs
from encoder.training.errors import TrainingError
from encoder.training.gathering import forget
from worker.client import WorkerUnavailable
from worker.context import Context
from worker.hold import Hold
from worker.run_folder import FolderBusy
from worker.run_pictures import prepare
from worker.run_shipping import ship
from worker.run_training import train
from worker.stage import Left, Work

# An offer is short: who takes it counts on a worker that comes at once.
OFFER_S = 10.0
ASK_AGAIN_S = 0.5
REST_S = 3.0  # after a gang that was lost; the sweep wakes later than this anyway

STAGES: Mapping[Stage, Callable[[Work], Left | None]] = {"prepare": prepare, "train": train, "ship": ship}

logger = logging.getLogger("ruiji.train")


class TrainLoop:
    """Does one rank at a time, in this process's main thread."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self) -> None:
        """Work until nothing waits: a wake-up that finds nothing, or comes twice, costs a look at the ledger."""
        context = self._context
        woken = False
        try:
            while not context.stopping.is_set():
                place = self._offer()
                if place is None:
                    self._forget_cancelled()
                    break
                if not woken:  # a run of several ranks needs the idle ones up, and there may be more runs
                    woken = True
                    self._wake()
                if isinstance(place, Member):
                    self._work(place)
                else:
                    context.presence.doing = f"waiting for {place.missing} more to train with"
                    context.stopping.wait(ASK_AGAIN_S)
        finally:
            context.presence.doing = ""
            gangs.withdraw(context.ledger, context.presence.name)

    def _offer(self) -> Member | Waiting | None:
        context = self._context
        name, address = context.presence.name, context.train_address
        return gangs.offer(context.ledger, worker=name, address=address, lease_s=OFFER_S)

    def _work(self, member: Member) -> None:
        context = self._context
        run = get_run(context.ledger, member.run_id)
        context.presence.doing = f"{member.stage} of run {run.id}, {run.name}"
        logger.info("run %d: %s, gang %d, rank %d of %d", run.id, member.stage, member.gang, member.rank, member.size)
        left: Left | None = None
        try:
            with Hold(context.ledger, member, lease_s=context.limits.lease_s) as hold:
                work = Work(context, member, run, hold, context.runs / str(run.id))
                left = STAGES[member.stage](work)
        except TrainingError as error:
            logger.warning("run %d has failed: %s", run.id, error)
            gangs.fail(context.ledger, member, error=str(error))
        except FolderBusy as error:
            logger.warning("run %d: %s", run.id, error)
            left = Left(error=str(error), counts=False)
        except Exception as error:  # of the disk, of the ledger, or a fault of ours: the next gang tries again
            logger.exception("run %d, %s broke off", run.id, member.stage)
            left = Left(error=f"{type(error).__name__}: {error}")
        # The ledger may be the trouble: then the lease runs out.
        with contextlib.suppress(CatalogError):
            gangs.leave(context.ledger, member, error=left.error if left else None, counts=left is None or left.counts)
        if left is not None and (left.counts or left.error):
            context.stopping.wait(REST_S)

    def _forget_cancelled(self) -> None:
        for run in list_runs(self._context.ledger):
            if run.state == "cancelled" and not run.members:
                forget(self._context.runs / str(run.id))

    def _wake(self) -> None:
        try:
            self._context.client.wake_train()
        except WorkerUnavailable as error:  # the sweep will
            logger.warning("%s", error)
