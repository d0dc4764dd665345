"""CSV: rows that name an image and a label, as `ruiji export` or a spreadsheet writes them.

Columns, in any order: `label`; one at least of `sha256`, `path` and `image_id`, of which the first one that is filled
counts; and `state` (yes or no; yes where it is missing or empty). Separated by commas, semicolons or tabs; in UTF-8.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import cast

from catalog.find_images import images_by_path, images_by_sha256, images_there
from catalog.label_events import State
from catalog.ledger import Ledger
from curate.exports.spreadsheet import unprotected
from curate.imports.taking import ROWS_AT_ONCE, Claim, Imported, ImportRefused, Taking

NAMES = {"file": "path", "filename": "path", "file_name": "path", "decision": "state", "id": "image_id"}
IMAGE_COLUMNS = ("sha256", "path", "image_id")
LARGEST_ID = 2**63 - 1
Row = dict[str, str]


def import_csv(
    ledger: Ledger, path: Path, *, author: str, progress: Callable[[int], None] = lambda rows: None
) -> Imported:
    """Take the labels of a CSV file over; again changes nothing. Raises ImportRefused, OSError."""
    taking = Taking(ledger, author=author)
    rows = _rows(path)
    while page := list(islice(rows, ROWS_AT_ONCE)):
        claims = []
        images = _images(ledger, [row for _, row in page])
        for (line, row), image_id in zip(page, images, strict=True):
            where, state = f"row {line}", (row.get("state") or "yes").strip().lower()
            label = unprotected(row.get("label", ""))
            if state not in ("yes", "no"):
                taking.done.refuse(where, f"the state is yes or no, not {state[:20]!r}")
            elif not any(row.get(name) for name in IMAGE_COLUMNS):
                taking.done.refuse(where, "it names no image")
            else:
                named = next(row[name] for name in IMAGE_COLUMNS if row.get(name))
                claims.append(Claim(f"{where}: {_for_people(named)}", image_id, label, cast(State, state)))
        taking.take(claims)
        progress(len(page))
    return taking.done


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The line and the cells by column name of each row; the reader's own limit of 128 KB for a cell stands."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        try:
            head = source.readline()
            source.seek(0)
            reader = csv.reader(source, delimiter=max(",;\t", key=head.count), strict=True)
            columns = [NAMES.get(name.strip().lower(), name.strip().lower()) for name in next(reader, [])]
            if "label" not in columns or not set(columns) & set(IMAGE_COLUMNS):
                raise ImportRefused(
                    f"{path}: the first row must name the columns: label, and one of {', '.join(IMAGE_COLUMNS)}."
                )
            for cells in reader:
                if any(cells):
                    yield reader.line_num, dict(zip(columns, cells, strict=False))
        except UnicodeDecodeError as error:
            raise ImportRefused(f"{path} is not UTF-8: save it as CSV in UTF-8, then try again.") from error
        except csv.Error as error:
            raise ImportRefused(f"{path}, row {reader.line_num}: {error}; is it a CSV file?") from error


def _images(ledger: Ledger, rows: list[Row]) -> list[int | None]:
    """The image of each row. A hash that is not known is not given up for an id, which counts in one catalog only."""
    hashes = images_by_sha256(ledger, {sha256 for row in rows if re.fullmatch("[0-9a-f]{64}", sha256 := _sha256(row))})
    paths = images_by_path(ledger, {_path(row) for row in rows if row.get("path")})
    ids = images_there(ledger, {number for row in rows if (number := _id(row)) is not None})
    found: list[int | None] = []
    for row in rows:
        if row.get("sha256"):
            found.append(hashes.get(_sha256(row)))
        elif row.get("path"):
            found.append(paths.get(_path(row)))
        else:
            number = _id(row)
            found.append(number if number in ids else None)
    return found


def _sha256(row: Row) -> str:
    return row.get("sha256", "").strip().lower()


def _path(row: Row) -> bytes:
    return os.fsencode(unprotected(row["path"]))


def _id(row: Row) -> int | None:
    text = row.get("image_id", "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if 0 < number <= LARGEST_ID else None


def _for_people(named: str) -> str:
    """What a row says, for a terminal: whoever wrote the file must not move its cursor or name its window."""
    shown = named[:200]
    return shown if shown.isprintable() else ascii(shown)
