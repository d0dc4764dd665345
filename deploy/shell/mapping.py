"""`ruiji map`: draws maps of what the ledger knows or of other photos, and writes them as PNG or HTML."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from catalog import maps
from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, serving_encoder
from catalog.labels import list_labels
from catalog.ledger import Ledger
from catalog.maps import MapSpec
from curate.mapped import Mapped, mapped, scaled
from deploy.evaluation.album import Album, array_album, folder_album
from deploy.evaluation.errors import NoEvaluation
from deploy.evaluation.groups import chosen_groups
from deploy.evaluation.keeping import Subject, find_subject
from deploy.mapping.drawing import NONE, Drawing, colours_of
from deploy.mapping.page import draw_page
from deploy.mapping.picture import draw_picture
from deploy.shell.installed import known_ledger
from encoder.embed import Embedder
from encoder.maps.apart import NoMap
from encoder.maps.apart import draw_map as draw
from settings import Settings
from worker.mapping import draw_known

Share = Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked on the command line."""

    out: Path
    encoders: Sequence[str] = ()
    dimensions: int = 2
    by: str = "label"
    labels: Sequence[str] = ()
    photos: Path | None = None
    classes: Sequence[str] = ()
    groups: Sequence[str] = ()
    most: int = 10_000
    anew: bool = False


def run(settings: Settings, wanted: Wanted) -> int:
    """Draw a map for each encoder and write them; 0. Raises NoMap, NoEvaluation."""
    if wanted.out.suffix.lower() not in (".png", ".html"):
        raise NoMap(f"{wanted.out} ends in neither .png nor .html, which are what a map can be written as")
    if not wanted.out.absolute().parent.is_dir():
        raise NoMap(f"{wanted.out.absolute().parent} is no folder; make it first")
    if wanted.photos and wanted.labels:
        raise NoMap("--label chooses among the known photos; --photos has classes of its own, so give one of the two")
    # Photos of a folder are drawn by encoders of folders without anything else.
    ledger = Ledger.open(settings.resolved_database_url()) if wanted.photos else known_ledger(settings)
    store = ArtifactStore(settings.resolved_artifacts_url())
    subjects = _subjects(settings, ledger, store, wanted.encoders)
    known: dict[str, str] = {}
    drawings = []
    for subject in subjects:
        with _bar(f"drawing {subject.name}") as share:
            if wanted.photos:
                drawings.append(_of_photos(subject, wanted.photos, wanted, share))
            else:
                found = _of_ledger(ledger, store, subject, wanted, share)
                known |= {label.name: label.colour for label in found.labels} if wanted.by == "label" else {}
                names = _names([[found.labels[at] for at in places] for places in found.of], wanted.by)
                drawings.append(Drawing(subject.name, found.positions, names))
    colours = colours_of(drawings, known)
    if wanted.out.suffix.lower() == ".png":
        draw_picture(drawings, colours).save(wanted.out, optimize=True)
    else:
        wanted.out.write_text(draw_page(drawings, colours), encoding="utf-8")
    print(f"{wanted.out}: {', '.join(f'{len(one.names):,} photos by {one.title}' for one in drawings)}")
    return 0


def _subjects(settings: Settings, ledger: Ledger, store: ArtifactStore, wanted: Sequence[str]) -> list[Subject]:
    serving: Encoder | None = None if wanted else serving_encoder(ledger)
    if not wanted and serving is None:
        raise NoMap("no encoder serves here; name one with --encoder FOLDER, or start everything with: ruiji up")
    names = wanted or [serving.id if serving else ""]
    return [find_subject(ledger, store, one, cache=settings.home / "cache" / "encoders") for one in names]


def _of_ledger(ledger: Ledger, store: ArtifactStore, subject: Subject, wanted: Wanted, share: Share) -> Mapped:
    if subject.known is None:
        raise NoMap(
            f"the ledger does not know {subject.name}, so it has no vectors of it: give --photos DIR,"
            f" or add it with: ruiji encoder promote {subject.info.path}"
        )
    ids = {row.label.name: row.label.id for row in list_labels(ledger)}
    if unknown := [name for name in wanted.labels if name not in ids]:
        raise NoMap(f"there is no label {unknown[0]}; see the labels with: ruiji status")
    spec = MapSpec(
        encoder_id=subject.known.id,
        dimensions=wanted.dimensions,
        label_ids=tuple(sorted({ids[name] for name in wanted.labels})),
        most=wanted.most,
    )
    maps.ask(store, spec, anew=wanted.anew)
    done = draw_known(ledger, store, spec.id, progress=share)
    if done.state != "done":
        raise NoMap(done.error or "the map could not be drawn")
    return mapped(ledger, store, spec.id)


def _names(labels: Sequence[Sequence[object]], by: str) -> tuple[str, ...]:
    """What each image is coloured by: its first label, or its first label's group."""
    attribute = "name" if by == "label" else "group"
    found = ((getattr(one, attribute) for one in each) for each in labels)
    return tuple(next((name for name in each if name), NONE) for each in found)


def _of_photos(subject: Subject, photos: Path, wanted: Wanted, share: Share) -> Drawing:
    album = _album(photos, wanted.classes)
    rows = np.sort(np.random.default_rng(0).permutation(len(album))[: wanted.most])
    embedder = Embedder.load(subject.info.path)
    order, vectors = [], []
    for batch in album.pictures.batches(rows.tolist(), size=embedder.input_size):
        order += batch.rows.tolist()
        vectors.append(embedder.embed(batch.pictures))
    for name, reason in album.pictures.left_out[:10]:
        print(f"{name}: left out, {reason}", file=sys.stderr)
    if not order:
        raise NoEvaluation(f"no photo of {photos} could be decoded")
    at = np.argsort(order)  # the same order for every encoder: decoding may have brought another
    positions = draw(np.concatenate(vectors)[at], dimensions=wanted.dimensions, progress=share)
    groups = chosen_groups(wanted.groups, set(album.classes))
    group_of = {one: name for name, members in groups.items() for one in members}
    classes = [album.classes[order[row]] for row in at.tolist()]
    names = classes if wanted.by == "label" else [group_of.get(one, NONE) for one in classes]
    return Drawing(subject.name, scaled(positions), tuple(names))


def _album(photos: Path, classes: Sequence[str]) -> Album:
    return folder_album(photos) if photos.is_dir() else array_album(photos, None, names=classes)


@contextmanager
def _bar(what: str) -> Iterator[Share]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = shown.add_task(what, total=1.0)
        yield lambda share: shown.update(bar, completed=share)
