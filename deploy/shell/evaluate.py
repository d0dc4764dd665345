"""`ruiji eval`: evaluates encoders, keeps the figures with them, and shows them beside each other."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from deploy.evaluation.album import Album, array_album, folder_album
from deploy.evaluation.chart import draw_chart
from deploy.evaluation.comparison import compared, table
from deploy.evaluation.errors import NoEvaluation
from deploy.evaluation.groups import chosen_groups, numbered
from deploy.evaluation.keeping import Subject, find_subject, keep
from deploy.evaluation.questions import Questions, embed_albums, from_ledger
from deploy.evaluation.top_grid import draw_top, save_top, top_rows
from deploy.shell.installed import known_ledger
from encoder.embed import Embedder
from encoder.evaluation.record import as_record
from encoder.evaluation.repeats import accuracies
from encoder.evaluation.retrieval import retrieval
from ingest.public.stl10_truth import groups_of, read_truth
from settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from encoder.embed import Precision

NOTES_SHOWN = 10
PIPE_WIDTH = 160


@dataclass(frozen=True)
class Wanted:
    """What was asked on the command line."""

    train: Path | None = None
    test: Path | None = None
    train_labels: Path | None = None
    test_labels: Path | None = None
    classes: Sequence[str] = ()
    from_ledger: bool = False
    stl10_labels: Path | None = None
    groups: Sequence[str] = ()
    name: str | None = None
    seeds: int = 3
    precision: Precision = "auto"
    compare: bool = False
    chart: Path | None = None
    top6: Path | None = None
    as_json: bool = False

    @property
    def has_data(self) -> bool:
        """Whether there is something to evaluate on."""
        return self.from_ledger or self.test is not None


@dataclass
class Room:
    """What an evaluation works with."""

    settings: Settings
    ledger: Ledger
    store: ArtifactStore
    console: Console = field(default_factory=lambda: Console(stderr=True))


def run(settings: Settings, encoders: Sequence[str], wanted: Wanted) -> int:
    """Evaluate each encoder if data is given, then print one table; 0. Raises NoEvaluation."""
    if not wanted.has_data and not wanted.compare:
        raise NoEvaluation(
            "nothing to evaluate on: give --test FOLDER (and --train FOLDER), --from-ledger, or --compare"
        )
    if wanted.from_ledger and (wanted.test or wanted.train):
        raise NoEvaluation("--from-ledger and --test are two sources of labels; give one")
    if wanted.top6 and (wanted.test is None or len(encoders) != 1):
        raise NoEvaluation("--top6 draws photos of --test for one encoder")
    store = ArtifactStore(settings.resolved_artifacts_url())
    ledger = known_ledger(settings) if wanted.from_ledger else Ledger.open(settings.resolved_database_url())
    room = Room(settings, ledger, store)
    cache = settings.home / "cache" / "encoders"
    subjects = [find_subject(room.ledger, room.store, one, cache=cache) for one in encoders]
    if wanted.has_data:
        albums = _albums(wanted)
        subjects = [_evaluate(room, subject, albums, wanted) for subject in subjects]
    name, rows = compared([one.info for one in subjects], name=_name(wanted) if wanted.has_data else wanted.name)
    if wanted.as_json:
        print(json.dumps([{"id": row.id, "name": row.name, "epochs": row.epochs, **row.record} for row in rows]))
    else:
        Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table(name, rows))
    if wanted.chart:
        wanted.chart.write_text(draw_chart(name, rows), encoding="utf-8")
        print(f"chart: {wanted.chart}", file=sys.stderr)
    return 0


def _albums(wanted: Wanted) -> tuple[Album | None, Album | None]:
    """Training and test photos; none where the ledger's labels are asked for."""
    if wanted.test is None:
        return None, None
    truth = read_truth(wanted.stl10_labels) if wanted.stl10_labels else None

    def album(path: Path, labels: Path | None, *, numbers: dict[int, str] | None = None) -> Album:
        if path.is_dir():
            return folder_album(path, truth=numbers)
        return array_album(path, labels, names=wanted.classes)

    train = album(wanted.train, wanted.train_labels) if wanted.train else None
    return train, album(wanted.test, wanted.test_labels, numbers=truth)


def _evaluate(room: Room, subject: Subject, albums: tuple[Album | None, Album | None], wanted: Wanted) -> Subject:
    train, test = albums
    questions, engine = _questions(room, subject, train, test, wanted)
    for note in questions.notes[:NOTES_SHOWN]:
        print(note, file=sys.stderr)
    groups = chosen_groups(wanted.groups, questions.classes) if wanted.groups else dict(questions.groups)
    with room.console.status("") as status:
        measured = accuracies(
            questions.asking,
            training=questions.training,
            seeds=wanted.seeds,
            progress=lambda what: status.update(f"{subject.name}: {what}"),
        )
        status.update(f"{subject.name}: what a search finds")
        found = retrieval(questions.asking.vectors, questions.asking.labels, groups=numbered(groups, questions.classes))
        status.update(f"{subject.name}: the index against exact search")
        recall = _index_recall(room, subject)
    if measured.probe is None:
        print("the linear probe is left out: it needs the extra 'train' (pip install 'ruiji[train]')", file=sys.stderr)
    record = as_record(
        accuracies=measured,
        retrieval=found,
        classes=questions.classes,
        data=questions.where,
        engine=engine,
        index_recall=recall,
    )
    kept = keep(room.ledger, room.store, subject, name=_name(wanted), record=record)
    if wanted.top6 and test is not None:
        rows = top_rows(questions, groups or {"all": questions.classes})
        save_top(wanted.top6, draw_top(questions, test, rows, title=f"{subject.name}: {_name(wanted)}"))
        print(f"top six: {wanted.top6}", file=sys.stderr)
    return kept


def _questions(
    room: Room, subject: Subject, train: Album | None, test: Album | None, wanted: Wanted
) -> tuple[Questions, str]:
    """What to ask, and what made the vectors."""
    if test is None:
        if subject.known is None:
            raise NoEvaluation(
                f"the ledger does not know {subject.name}, so it has no vectors of it;"
                f" add it with: ruiji encoder promote {subject.info.path}"
            )
        return from_ledger(room.ledger, room.store, subject.known), "vectors of the ledger"
    embedder = Embedder.load(subject.info.path, precision=wanted.precision)
    classes = {*test.classes, *(train.classes if train else ())}
    groups = groups_of(classes) if wanted.stl10_labels else chosen_groups(wanted.groups, classes)
    with _bar(room.console) as progress:
        questions = embed_albums(embedder, test=test, train=train, groups=groups, progress=progress)
    return questions, f"{embedder.engine} {embedder.precision}"


def _index_recall(room: Room, subject: Subject) -> float | None:
    if subject.known is None:
        return None
    # They load pymilvus, a second that only an encoder with a collection is worth.
    from catalog.index import VectorIndex
    from deploy.evaluation.index_recall import index_recall

    try:
        url = room.settings.resolved_index_url()
    except SettingsError:
        print("the index is not compared with exact search: it is not running", file=sys.stderr)
        return None
    index = VectorIndex(url, token=room.settings.index_token, options=room.settings.index_options())
    try:
        return index_recall(room.ledger, room.store, index, subject.known)
    finally:
        index.close()


def _name(wanted: Wanted) -> str:
    """What the evaluation is called: as told, or after the test photos."""
    if wanted.name or wanted.test is None:
        return wanted.name or "ledger"
    path = wanted.test.absolute()
    return f"{path.parent.name}/{path.stem}"


@contextmanager
def _bar(console: Console) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as shown:
        bars: dict[str, Any] = {}

        def progress(what: str, done: int, whole: int) -> None:
            if what not in bars:
                bars[what] = shown.add_task(what, total=whole)
            shown.update(bars[what], completed=done)

        yield progress
