"""Exports over HTTP: how much it would be, and the export itself, which comes piece by piece."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from flask import Response, jsonify

from catalog import labels as catalog_labels
from catalog.labelled import measure_labelled
from catalog.labels import LabelCount
from catalog.ledger import Ledger
from curate.exports.export import TREES, WITHOUT_REJECTED
from curate.exports.formats import Format
from curate.exports.stream import ENDINGS, stream
from webui.config import parts
from webui.errors import ApiError
from webui.identity import audited

from .answers_exports import ExportFile, ExportPlan
from .blueprint import api, described, streamed
from .reading import read_query
from .requests_exports import ExportQuery, Runs, read_runs

log = logging.getLogger(__name__)
AT_ONCE = 3  # each keeps one of the server's threads for as long as the client takes
under_way = threading.BoundedSemaphore(AT_ONCE)


@api.get("/export/plan")
@described("exports", query=ExportQuery, answer=ExportPlan, refusals=(400, 404))
def export_plan() -> Response:
    """Say how many images and decisions an export holds, and how large their files are."""
    asked = read_query(ExportQuery)
    ledger = parts().config.ledger
    rows = chosen(ledger, asked)
    rejected = asked.rejected and asked.format not in WITHOUT_REJECTED
    extent = measure_labelled(ledger, [row.label.id for row in rows], rejected=rejected)
    photos = extent.bytes_by_label if asked.format is Format.IMAGEFOLDER else extent.bytes
    return jsonify(
        file=file_name(asked.format),
        labels=sum(row.yes + rejected * row.no > 0 for row in rows),
        images=extent.images,
        decisions=extent.decisions,
        photo_bytes=photos if asked.format in TREES else 0,
    )


@api.get("/export")
@streamed(described("exports", query=ExportQuery, answer=ExportFile, refusals=(400, 404, 409, 503)))
def export() -> Response:
    """Hand out what is said of the labels as a file. A connection that ends before its last chunk: it is not whole."""
    asked = read_query(ExportQuery)
    have = parts().config
    labels = [row.label for row in chosen(have.ledger, asked)]
    pieces = stream(
        have.ledger, have.store, labels=labels, format=asked.format, rejected=asked.rejected, storage=have.storage
    )
    if not under_way.acquire(blocking=False):
        raise ApiError(503, "too_many_exports", f"{AT_ONCE} exports are under way: wait until one of them is done.")
    place = ExitStack()  # given back once: with the last piece, or with the connection
    place.callback(under_way.release)
    try:
        first = next(pieces)  # what cannot begin is refused as any request is
        audited("export", f"{asked.format.value} of {len(labels)} labels")
    except BaseException:
        place.close()
        raise
    answer = Response(until_done(first, pieces, done=place.close), mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name(asked.format)}"'
    answer.call_on_close(place.close)
    return answer


def until_done(first: bytes, more: Iterator[bytes], *, done: Callable[[], None]) -> Iterator[bytes]:
    """The pieces; a failure among them ends the connection without its last chunk, which every client notices."""
    try:
        yield first
        yield from more
    except Exception as error:
        log.error("an export broke off", exc_info=error)
        raise
    finally:
        done()


def file_name(format: Format) -> str:
    """What the file is called where it arrives."""
    return f"ruiji-{format.value}{ENDINGS[format]}"


def chosen(ledger: Ledger, asked: ExportQuery) -> list[LabelCount]:
    """The labels that are asked for, all of them if nothing is said; 404 for one that is named and is not there."""
    known = {row.label.id: row for row in catalog_labels.list_labels(ledger)}
    if sum(map(bool, (asked.label, asked.labels, asked.without))) > 1:
        raise ApiError(400, "invalid_value", "Give one of `label`, `labels` and `without`, not several.")
    if asked.without:
        left_out = read_runs(asked.without)
        return [row for one, row in known.items() if not within(left_out, one)]
    wanted = read_runs(asked.labels) if asked.labels else tuple((one, one) for one in asked.label)
    if missing := [first for first, last in wanted if first == last and first not in known]:
        raise ApiError(404, "unknown_label", f"There is no label {missing[0]} any more: load the page again.")
    return [row for one, row in known.items() if within(wanted, one)] if wanted else list(known.values())


def within(runs: Runs, number: int) -> bool:
    """Whether one of the runs holds the number."""
    return any(first <= number <= last for first, last in runs)
