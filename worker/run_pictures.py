"""The stage in which the photos of a run are decoded into its folder, and its plan is written."""

from __future__ import annotations

import socket

from catalog import gangs
from catalog.run_pictures import SourceFiles, files_of_sources
from catalog.run_progress import note_pictures
from catalog.single_labels import single_labels
from catalog.storage.address import whole_path
from encoder.presets import plan_of
from encoder.training.errors import TrainingError
from encoder.training.gathering import PICTURES, Classes, Gathered, gather
from encoder.training.plan import PLAN, write_plan
from ingest.pool import FileToRead
from worker.context import Context
from worker.picture_files import PictureFiles
from worker.run_folder import locked
from worker.stage import Left, Work, told_to_leave

TELL_EVERY = 500  # pictures


class _ToldToLeave(Exception):
    """The run was paused or cancelled, or the gang was lost."""


def prepare(work: Work) -> Left | None:
    """Decode, and write the plan; None when the stage is done. Raises TrainingError and FolderBusy."""
    run, ledger, member = work.run, work.context.ledger, work.member
    data = f"photos of {', '.join(run.source_names)}, without their labels"
    plan = plan_of(run.preset, name=run.name, pictures=PICTURES, changes=run.changes, data=data)
    sources = [_source(files, work.context) for files in files_of_sources(ledger, run.source_ids)]
    classes = Classes(single_labels(ledger), from_folders=False)
    told = 0

    def progress(done: Gathered, whole: int) -> None:
        nonlocal told
        if not work.goes_on:
            raise _ToldToLeave
        if done.seen - told >= TELL_EVERY:
            told = done.seen
            note_pictures(ledger, member, pictures=done.pictures, left_out=done.left_out)

    side, least = plan.config.size, plan.config.batch_size
    with locked(work.folder):
        try:
            done = gather(sources, work.folder, side=side, least=least, classes=classes, progress=progress)
        except _ToldToLeave:
            return told_to_leave(work)
        note_pictures(ledger, member, pictures=done.pictures, left_out=done.left_out)
        write_plan(work.folder / PLAN, plan)
        gangs.advance(ledger, member, "train", epochs=plan.config.epochs)
    return None


def _source(files: SourceFiles, context: Context) -> PictureFiles:
    if (why := context.storage.unseen(files.root)) is not None:
        raise TrainingError(f"{socket.gethostname()} cannot read {files.name}: {why}")
    return PictureFiles(
        files.name,
        [FileToRead(whole_path(files.root, path), files.root) for path in files.paths],
        files.sizes,
        processes=context.limits.decode_processes,
        max_pixels=context.limits.max_pixels,
        storage=context.storage,
    )
