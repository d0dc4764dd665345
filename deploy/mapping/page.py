"""Maps as one HTML file that needs nothing else: moved, turned, zoomed, and told apart by what is pointed at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from deploy.mapping.drawing import Drawing

FRAME = Path(__file__).with_name("frame.html")


def draw_page(drawings: Sequence[Drawing], colours: Mapping[str, str]) -> str:
    """The text of the file. Names come from people: they are data in it, never markup."""
    names = list(colours)
    number = {name: at for at, name in enumerate(names)}
    panels = [
        {
            "title": drawing.title,
            "places": [[round(float(value), 4) for value in row] for row in drawing.positions],
            "of": [number[name] for name in drawing.names],
        }
        for drawing in drawings
    ]
    data = json.dumps({"panels": panels, "names": names, "colours": [colours[name] for name in names]})
    title = escape(" · ".join(drawing.title for drawing in drawings))
    # "<" cannot end the script in which the data lie when it is written so.
    return FRAME.read_text(encoding="utf-8").replace("@title@", title).replace("@data@", data.replace("<", "\\u003c"))
