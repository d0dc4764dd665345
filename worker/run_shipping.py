"""The stage in which a trained run becomes an encoder: shipped, measured with what was held out, and registered."""

from __future__ import annotations

import logging

from catalog import gangs
from encoder.folder import EncoderError
from encoder.training.gathering import forget
from encoder.training.plan import ENCODER, PLAN, read_plan
from worker import launch
from worker.part_process import PartProcess
from worker.registry import register_encoder
from worker.run_folder import OUTPUT, locked
from worker.stage import Left, Work, follow, told_to_leave

logger = logging.getLogger("ruiji.train")


def ship(work: Work) -> Left | None:
    """Make the encoder and let the ledger know it; None when the run is done. Raises TrainingError and FolderBusy."""
    context, folder = work.context, work.folder
    with locked(folder) as held:
        plan = read_plan(folder / PLAN)
        part = PartProcess(launch.finish(folder), log=folder / OUTPUT, pass_fds=held)
        try:
            code = follow(work, part)
            if code is None or not work.goes_on:
                return told_to_leave(work)
            if code != 0:
                return Left(error=f"the encoder could not be made: {part.last_words()}")
        finally:
            part.close()
        try:
            encoder = register_encoder(context.ledger, context.store, folder / ENCODER)
        except EncoderError as error:
            return Left(error=f"the encoder could not be registered: {error}")
        if gangs.finish(context.ledger, work.member, encoder_id=encoder.id):
            logger.info("run %d has given encoder %s (%s)", work.run.id, encoder.name, encoder.id[:12])
            if not plan.keep_epochs:  # encoders could be made of its other epochs with them
                forget(folder)
    return None
