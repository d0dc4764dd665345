"""An export as one file that comes piece by piece: folders with photos as a ZIP archive, all else as it is.

Nothing is in memory but a page of images and one photo. Every kind but CSV ends with something that a reader misses
when it broke off: a ZIP's directory, Parquet's footer, JSON's last bracket.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from catalog.artifacts import ArtifactStore
from catalog.labels import Label
from catalog.ledger import Ledger
from catalog.storage.pictures import PictureStorage
from curate.exports.export import FILES, TREES, order_of
from curate.exports.formats import Format
from curate.exports.order import Exported, Order
from curate.exports.sink import Pieces
from curate.exports.target import MARK
from curate.exports.tree import ZipTree
from curate.exports.zip_writer import ZipWriter

ENDINGS = {
    Format.IMAGEFOLDER: ".zip",
    Format.CSV: ".csv",
    Format.COCO: ".json",
    Format.PARQUET: ".parquet",
    Format.HUGGINGFACE: ".zip",
    Format.LABELSTUDIO: ".json",
}
LEFT_OUT = "left-out.txt"
LEAST_BYTES = 1 << 16  # smaller pieces wait for the next ones


def stream(
    ledger: Ledger,
    store: ArtifactStore,
    *,
    labels: Sequence[Label],
    format: Format,
    rejected: bool = False,
    storage: PictureStorage | None = None,
) -> Iterator[bytes]:
    """The export's bytes. ExportRefused, CatalogError and OSError before or after the first; then it is not whole."""
    sink = Pieces()
    order = order_of(ledger, store, labels=labels, format=format, rejected=rejected, storage=storage)
    waiting = b""
    for _ in _steps(order, format, sink):
        waiting += sink.take()
        if len(waiting) >= LEAST_BYTES:
            yield waiting
            waiting = b""
    yield waiting + sink.take()


def _steps(order: Order, format: Format, sink: Pieces) -> Iterator[None]:
    done = Exported()
    if format in FILES:
        yield from FILES[format](order, cast(BinaryIO, sink), done)
        return
    writer, archive = TREES[format], ZipWriter(cast(BinaryIO, sink))
    archive.add(MARK, json.dumps(writer.mark(order), indent=1).encode())
    yield from writer.write(order, ZipTree(archive, storage=order.storage), done)
    if done.missing:
        archive.add(LEFT_OUT, _left_out(done).encode())
    yield from archive.finish()


def _left_out(done: Exported) -> str:
    more = done.missing - len(done.missing_named)
    lines = [f"{done.missing} images left out: no file holds them any more, or it was changed", *done.missing_named]
    return "\n".join([*lines, *([f"and {more} more"] if more else []), ""])
