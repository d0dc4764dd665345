"""CSV: one row for each image and label, which a spreadsheet can open without running anything in it.

A spreadsheet takes a cell that begins with = + - @ or a tab for a formula. Such a cell gets an apostrophe in front,
which says "this is text" to spreadsheets; the import takes it away again, and a label =1+1 comes back as it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from curate.exports.names import shown_path
from curate.exports.order import Exported, Order
from curate.exports.sink import as_text

COLUMNS = ("image_id", "sha256", "path", "width", "height", "format", "label", "state", "origin", "decided_at")
# Also the wide forms, which some spreadsheets read as the others.
FORMULA_SIGNS = tuple("=+-@\t\r\n|%＝＋－＠")


def protected(cell: str) -> str:
    """The cell as text to every spreadsheet."""
    return f"'{cell}" if cell.lstrip("' ").startswith(FORMULA_SIGNS) else cell


def unprotected(cell: str) -> str:
    """What `protected` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("' ").startswith(FORMULA_SIGNS) else cell


def write(order: Order, sink: BinaryIO, done: Exported) -> Iterator[None]:
    """Write the file, a page of images at each step; OSError."""
    with as_text(sink) as text:
        rows = csv.writer(text)
        rows.writerow(COLUMNS)
        for page in order.pages:
            for image in page:
                path = protected(shown_path(image.files[0].path)) if image.files else ""
                about = (image.id, image.sha256, path, image.width, image.height, image.format)
                for said in image.said:
                    at = datetime.fromtimestamp(said.at, UTC).isoformat(timespec="seconds")
                    state = "yes" if said.yes else "no"
                    rows.writerow((*about, protected(said.label), state, said.origin, at))
                done.wrote(image, len(image.said))
            order.progress(len(page))
            yield
