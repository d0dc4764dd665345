"""A run from the photos of a folder to an encoder in the ledger, by real workers; and what ends and resumes it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from catalog import gangs
from catalog.artifacts import ArtifactStore
from catalog.encoders import get_encoder
from catalog.gangs import Member
from catalog.run_pictures import files_of_sources
from catalog.runs import cancel_run, curve, get_run, pause_run, resume_run
from ingest.bulk import decode_files
from ingest.decode import Decoded
from ingest.pool import FileToRead
from settings import Settings
from tests.training.conftest import PATIENCE_S, Trainers
from worker.hold import Hold
from worker.part_process import PartProcess
from worker.service import make_context
from worker.stage import Left, Work, follow, told_to_leave


def test_photos_become_an_encoder_once_with_a_pause_and_however_often_the_workers_are_woken(
    trainers: Trainers, store: ArtifactStore
) -> None:
    trainers.start()
    trainers.start()
    run = trainers.ask(epochs=16, wake_ups=4)
    trainers.wait(run, lambda found: found.done >= 1)
    assert pause_run(trainers.ledger, run)
    trainers.wait(run, lambda found: found.members == 0)
    trainers.wait_gone(run)
    kept = curve(trainers.ledger, run)
    assert_each_row_is_a_photo(trainers, run)
    paused = get_run(trainers.ledger, run)
    assert (paused.state, paused.attempts, paused.done, paused.error) == ("paused", 0, kept[-1].epoch, None)
    assert kept[-1].epoch < 16, "it is the step that is finished, not the run"
    assert resume_run(trainers.ledger, run)
    done = trainers.wait(run, lambda found: found.state == "done")
    assert (done.left_out, done.epochs, done.done) == (0, 16, 16)
    assert done.gang == 4, "a gang for each stage and one after the pause, none twice"
    epochs = curve(trainers.ledger, run)
    assert [one.epoch for one in epochs] == list(range(1, 17))
    assert all(one.loss is not None and one.images_per_s for one in epochs)
    assert epochs[: len(kept)] == kept, "epochs that were done are not trained again"
    assert len((trainers.runs / str(run) / "log.jsonl").read_text().splitlines()) == 16
    assert done.encoder_id is not None
    encoder = get_encoder(trainers.ledger, done.encoder_id)
    assert encoder.name == "ours"
    assert 0 <= encoder.metrics["finds_itself"] <= 1, "it is measured without labels where too few were held out"
    assert store.exists(f"{encoder.folder}/model.onnx")
    assert list((trainers.runs / str(run) / "tensorboard").glob("events.out.tfevents.*"))
    assert not (trainers.runs / str(run) / "pictures.npy").exists(), "what its folders hold anyway is not kept"


def test_a_worker_that_the_ledger_has_given_up_is_no_second_writer_and_another_goes_on(trainers: Trainers) -> None:
    """Stopped for longer than its lease, as a machine that sleeps: it finds its place taken and leaves it."""
    first = trainers.start()
    run = trainers.ask(epochs=400)
    trainers.wait(run, lambda found: found.done >= 2)
    os.kill(first.pid, signal.SIGSTOP)
    (process,) = trainers.processes(run)
    before = get_run(trainers.ledger, run)
    trainers.start()
    trainers.wait(run, lambda found: found.gang > before.gang)
    trainers.wait(run, lambda found: found.members == 0)
    assert trainers.processes(run) == [process], "its process still holds the folder"
    os.kill(first.pid, signal.SIGCONT)
    trainers.wait(run, lambda found: found.members == 1 and trainers.processes(run) not in ([], [process]))
    kept = {one.epoch: one.loss for one in curve(trainers.ledger, run)}
    trainers.wait(run, lambda found: found.done > max(kept) and found.attempts == 0)
    losses = {one.epoch: one.loss for one in curve(trainers.ledger, run)}
    assert list(losses) == list(range(1, len(losses) + 1))
    assert {number: losses[number] for number in kept} == kept, "no epoch was trained in another way"
    assert cancel_run(trainers.ledger, run)
    trainers.wait_gone(run)
    trainers.wait(run, lambda found: not (trainers.runs / str(run) / "pictures.npy").exists())
    assert get_run(trainers.ledger, run).state == "cancelled"
    assert list((trainers.runs / str(run)).glob("checkpoint-*.pt"))


def assert_each_row_is_a_photo(trainers: Trainers, run: int) -> None:
    """What is trained on and what is held out are together the photos of the source, each once."""
    (files,) = files_of_sources(trainers.ledger, [trainers.source_id])
    wanted = [FileToRead(files.root.rstrip(b"/") + b"/" + path, files.root) for path in files.paths]
    photos = []
    for results in decode_files(wanted, files.sizes, size=32, processes=1):
        for result in results:
            assert isinstance(result, Decoded)
            photos.append(result.pixels.tobytes())
    folder = trainers.runs / str(run)
    trained, held = np.load(folder / "pictures.npy", mmap_mode="r"), np.load(folder / "held-out.npy")
    assert 0 < len(held) < len(photos) // 4, "one labelled photo in ten is held out"
    assert len(trained) == get_run(trainers.ledger, run).pictures
    assert sorted(photos) == sorted(picture.tobytes() for picture in [*trained, *held])


def test_a_process_that_is_told_to_stop_before_it_can_answer_is_no_crash(
    trainers: Trainers, settings: Settings, tmp_path: Path
) -> None:
    run = trainers.ask(epochs=1)
    context = make_context(settings, queue="train")
    member = gangs.offer(context.ledger, worker="w", address="127.0.0.1", lease_s=30)
    assert isinstance(member, Member)
    part = PartProcess([sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "output.log")
    try:
        with Hold(context.ledger, member, lease_s=30) as hold:
            work = Work(context, member, get_run(context.ledger, run), hold, tmp_path)
            assert pause_run(context.ledger, run)
            assert follow(work, part) is None
            assert part.poll() == -signal.SIGTERM
            assert told_to_leave(work) == Left(error=None, counts=False)
    finally:
        part.close()
        context.client.close()
        context.ledger.close()


def test_what_cannot_be_trained_fails_with_the_reason(trainers: Trainers) -> None:
    trainers.start()
    few = trainers.ask(epochs=1, batch_size=500)
    failed = None
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and (failed := get_run(trainers.ledger, few)).state != "failed":
        time.sleep(0.1)
    assert failed is not None and failed.error is not None
    assert "66 pictures are fewer than one batch of 500; give more folders" in failed.error
