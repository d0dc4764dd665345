"""`ruiji plan`: prints what a number of images needs."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from deploy import sizing
from deploy.sizing import Photos


def run(
    images: list[int], *, dimension: int, photos: Photos, days: float, as_json: bool = False, markdown: bool = False
) -> int:
    """Print a table with a column for each number of images, or JSON, or docs/SCALE.md's markdown; 0."""
    plans = [sizing.plan(one, dimension=dimension, photos=photos, days=days) for one in images]
    if as_json:
        print(json.dumps([asdict(one) for one in plans]))
    elif markdown:
        print(sizing.as_markdown(plans), end="")
    else:
        heading, *rows = sizing.table_of(plans)
        table = Table(heading[0], box=None)
        for name in heading[1:]:
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        print("on paper, from rates measured on one machine: docs/SCALE.md shows the arithmetic")
    return 0
