"""`ruiji data`: fetches a public collection into folders of pictures."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.progress import Progress

from ingest.public.download import DataError
from ingest.public.folders import Written


def run(name: str, folder: Path, *, local: Path | None) -> int:
    """Fetch, show how far it is, and say what was written; 1 with a message when it cannot be had."""
    fetch = importlib.import_module(f"ingest.public.{name}").fetch
    with Progress(console=Console(stderr=True)) as shown:
        bars = {}

        def progress(what: str, done: int, whole: int | None) -> None:
            if what not in bars:
                bars[what] = shown.add_task(what, total=whole)
            shown.update(bars[what], completed=done, total=whole)

        try:
            written = cast(Written, fetch(folder.absolute(), local=local, progress=progress))
        except (DataError, OSError) as error:
            shown.stop()
            print(f"ruiji: {error}", file=sys.stderr)
            return 1
    print(f"{written.images} pictures in {written.folder}")
    return 0
