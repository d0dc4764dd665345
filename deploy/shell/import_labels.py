"""`ruiji import`: takes labels over from a CSV file or an ImageFolder and says what became of them."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TextColumn

from curate.imports.imagefolder import import_imagefolder
from curate.imports.spreadsheet import import_csv
from deploy.shell.failures import FAILED
from deploy.shell.installed import known_ledger
from settings import Settings
from worker.client import Client, WorkerUnavailable

SHOWN = 20


def run(settings: Settings, path: Path) -> int:
    """Import with a count that goes up; 1 when something was left out."""
    ledger = known_ledger(settings)
    columns = (TextColumn("{task.completed} {task.description}"),)
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = shown.add_task("files read" if path.is_dir() else "rows read", total=None)
        take = import_imagefolder if path.is_dir() else import_csv
        done = take(ledger, path, author="shell", progress=lambda number: shown.advance(bar, number))
    with contextlib.suppress(WorkerUnavailable):  # the sweep does it later
        Client(settings.resolved_broker_url()).wake_index()
    print(f"{done.rows} read: {done.applied} taken over; {done.unchanged} held already, or a person said otherwise")
    for number, what, named in (
        (done.unknown, "of no picture that is known here", done.unknown_named),
        (done.refused, "not understood", done.refused_named),
    ):
        if number:
            print(f"{number} {what}:", file=sys.stderr)
            for name in named[:SHOWN]:
                print(f"  {name}", file=sys.stderr)
            if number > SHOWN:
                print(f"  … and {number - SHOWN} more", file=sys.stderr)
    return FAILED if done.unknown or done.refused else 0
