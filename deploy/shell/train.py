"""`ruiji train`: pictures are gathered, an encoder trained, measured, and made known here."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from catalog.artifacts import ArtifactStore
from catalog.audit import SHELL, note
from catalog.encoders import SHOWN, named, serving_encoder
from catalog.ledger import Ledger
from catalog.single_labels import single_labels
from deploy.encoder_setup import set_up_encoder
from deploy.training import child
from deploy.training.child import Paused
from deploy.training.errors import NoTraining
from deploy.training.figures import figures
from deploy.training.published import start_path
from deploy.training.sources import open_source
from encoder.presets import plan_of
from encoder.training.gathering import LEFT_OUT, PICTURES, Classes, Gathered, Source, forget, gather
from encoder.training.plan import ENCODER, PLAN, Plan, read_plan, write_plan
from settings import Settings
from worker.launch import can_train

INTERRUPTED = 130
RUNS = "trained"  # in the home folder
_NAME = re.compile(r"\w[\w .-]{0,99}")


@dataclass(frozen=True)
class Wanted:
    """What was asked on the command line."""

    folders: Sequence[Path]
    preset: str
    name: str | None = None
    labels_from_folders: bool = False
    changes: Mapping[str, object] = field(default_factory=dict)  # fields of TrainConfig
    start_from: str | None = None  # encoder folder, file, or `torchvision:resnet18`
    device: str = ""
    keep_epochs: tuple[int, ...] = ()
    checkpoint_seconds: float = Plan.checkpoint_seconds


def begin(settings: Settings, wanted: Wanted) -> int:
    """Gather the pictures into a new run's folder, then do all the rest. Raises NoTraining and TrainingError."""
    _needs_torch()
    sources = [open_source(path) for path in wanted.folders]
    name = wanted.name or re.sub(r"[^\w .-]", "-", sources[0].name).strip(" .-")
    if not _NAME.fullmatch(name):
        raise NoTraining(f"{name!r} cannot be a folder's name: give --name letters, digits, spaces, dots and hyphens")
    run = settings.home / RUNS / name
    if run.exists():
        raise NoTraining(f"{run} is there already: go on with --resume {run}, or give another --name")
    start = start_path(wanted.start_from, home=settings.home, progress=_fetching) if wanted.start_from else None
    plan = _plan(wanted, name=name, sources=sources, start=start)
    run.mkdir(parents=True)
    try:
        gathered = _gather(settings, sources, run, plan=plan, from_folders=wanted.labels_from_folders)
        write_plan(run / PLAN, plan)
    except BaseException:
        shutil.rmtree(run, ignore_errors=True)  # nothing is in it that cannot be made again
        raise
    _say(_told(gathered, run))
    ledger = Ledger.open(settings.resolved_database_url())
    note(ledger, SHELL, "training started", name)
    ledger.close()
    return carry_out(settings, run)


def resume(settings: Settings, run: Path) -> int:
    """Go on with a run from wherever it is. Raises NoTraining and TrainingError."""
    _needs_torch()
    run = run.expanduser().absolute()
    if not (run / PLAN).is_file():
        raise NoTraining(f"{run} holds no {PLAN}: give the folder that `ruiji train` named when it was paused")
    if (run / ENCODER).is_dir() and not (run / PICTURES).exists():  # they go when all is done
        raise NoTraining(f"{run} is finished, its encoder is {run / ENCODER}: train another with a new --name")
    return carry_out(settings, run)


def carry_out(settings: Settings, run: Path) -> int:
    """Train, ship, measure, register; 130 when it was paused."""
    plan = read_plan(run / PLAN)
    _say(f"training {plan.name} in {run}; Ctrl-C pauses")
    try:
        child.train(run, say=_say)
    except Paused as paused:
        _say(str(paused))
        return INTERRUPTED
    _say("measuring")
    from encoder.finish import finish  # loads torch, which the process that has trained had to itself until now

    info = finish(run)
    ledger = Ledger.open(settings.resolved_database_url())
    encoder = set_up_encoder(ledger, ArtifactStore(settings.resolved_artifacts_url()), info.path)
    note(ledger, SHELL, "encoder added", named(encoder))
    if not plan.keep_epochs:  # encoders could be made of its other epochs with them
        forget(run)
    print("\n".join(figures(info)))
    serving = serving_encoder(ledger)
    if serving is not None and serving.id == encoder.id:
        print(f"{encoder.name} ({encoder.id[:SHOWN]}) is here and serves")
    else:
        print(
            f"{encoder.name} ({encoder.id[:SHOWN]}) is on the encoders page now;"
            f" let it serve with: ruiji encoder promote {encoder.id[:SHOWN]}"
        )
    return 0


def _needs_torch() -> None:
    if not can_train():
        raise NoTraining("training needs the extra 'train': pip install 'ruiji[train]', or make setup")


def _plan(wanted: Wanted, *, name: str, sources: Sequence[Source], start: Path | None) -> Plan:
    """Raises TrainingError for values that do not fit, EncoderError for a start that cannot be used."""
    changes = {**_parent(start), **wanted.changes}
    data = f"photos of {', '.join(source.name for source in sources)}, without their labels"
    plan = plan_of(wanted.preset, name=name, pictures=PICTURES, changes=changes, data=data)
    return dataclasses.replace(
        plan,
        start_from=str(start.absolute()) if start else "",
        device=wanted.device,
        keep_epochs=wanted.keep_epochs or plan.keep_epochs,
        checkpoint_seconds=wanted.checkpoint_seconds,
    )


def _parent(path: Path | None) -> dict[str, object]:
    """The parent's id; a folder also says which network it is."""
    if path is None:
        return {}
    from encoder.folder import load_info
    from encoder.start import parent_id  # loads torch

    if not path.is_dir():
        return {"parent": parent_id(path)}
    architecture = load_info(path).config["architecture"]
    return {"parent": parent_id(path), "backbone": architecture["backbone"], "stem": architecture["stem"]}


def _gather(settings: Settings, sources: Sequence[Source], run: Path, *, plan: Plan, from_folders: bool) -> Gathered:
    ledger = Ledger.open(settings.resolved_database_url())
    try:
        classes = Classes(single_labels(ledger), from_folders)
    finally:
        ledger.close()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = shown.add_task("reading pictures", total=None)

        def progress(done: Gathered, whole: int) -> None:
            shown.update(bar, completed=done.seen, total=whole)

        config = plan.config
        return gather(sources, run, side=config.size, least=config.batch_size, classes=classes, progress=progress)


def _told(gathered: Gathered, run: Path) -> str:
    held = f", {gathered.held_out:,} labelled ones kept apart to measure with" if gathered.held_out else ""
    out = f", {gathered.left_out:,} left out ({run / LEFT_OUT} says why)" if gathered.left_out else ""
    return f"{gathered.pictures:,} pictures to train{held}{out}"


def _fetching(what: str, done: int, whole: int | None) -> None:
    print(f"\r{what}: {done >> 20} of {(whole or done) >> 20} MB", end="", file=sys.stderr, flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
