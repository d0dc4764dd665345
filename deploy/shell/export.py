"""`ruiji export`: writes labels for other programs and says what was written."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from catalog.artifacts import ArtifactStore
from catalog.audit import SHELL, note
from catalog.storage.pictures import PictureStorage
from curate.exports.export import chosen_labels, export, images_to_export
from curate.exports.formats import Format, Photos
from deploy.shell.failures import FAILED
from deploy.shell.installed import known_ledger
from settings import Settings

SHOWN = 20


def run(
    settings: Settings,
    names: list[str],
    out: Path,
    *,
    format: Format,
    photos: Photos,
    rejected: bool,
    overwrite: bool,
) -> int:
    """Export with a bar; 1 when nothing is in it, or a photo is left out because no file holds it any more."""
    ledger = known_ledger(settings)
    labels = chosen_labels(ledger, names)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        total = images_to_export(ledger, labels, format=format, rejected=rejected)
        bar = shown.add_task(format.value, total=total)
        done = export(
            ledger,
            ArtifactStore(settings.resolved_artifacts_url()),
            labels=labels,
            format=format,
            target=out.absolute(),
            photos=photos,
            rejected=rejected,
            overwrite=overwrite,
            storage=PictureStorage.of(**settings.where_pictures_are()),
            progress=lambda images: shown.advance(bar, images),
        )
    note(ledger, SHELL, "export", f"{format.value} of {len(labels)} labels to {out}")
    print(f"{done.images} images with {done.labels} labels in {out}")
    if done.missing:
        print(f"{done.missing} images left out: no file holds them any more, or it was changed", file=sys.stderr)
        for name in done.missing_named[:SHOWN]:
            print(f"  {name}", file=sys.stderr)
    elif not done.images:
        about = "these labels" if names else "any label"
        print(f"nothing is in it: no picture in {settings.home} has a decision about {about}", file=sys.stderr)
    return FAILED if done.missing or not done.images else 0
