"""The history of decisions: who decided what, about how many images, against whom; taken back, and done again."""

from __future__ import annotations

from flask import Response, jsonify

from catalog import label_history
from catalog.batch_images import batch_images
from catalog.label_conflicts import Disagreement, conflicts, disagreements
from webui import present
from webui.config import parts
from webui.identity import author, by

from .answers import BatchResult
from .answers_history import Batches, BatchShown
from .blueprint import api, described
from .reading import read_json, read_query
from .requests import Undo
from .requests_history import BatchQuery, HistoryPage
from .sent import request_sha256
from .waking import told


@api.get("/batches")
@described("labels", query=HistoryPage, answer=Batches)
def batches() -> Response:
    """List the batches of decisions, the newest first, with the disagreement between people in each."""
    page = read_query(HistoryPage)
    ledger = parts().config.ledger
    rows = label_history.batches(ledger, limit=page.limit, offset=page.offset, author=page.author)
    against = disagreements(ledger, [row.id for row in rows])
    shown = [present.batch(row, against.get(row.id, Disagreement())) for row in rows]
    return jsonify(batches=shown, authors=label_history.authors(ledger))


@api.get("/batches/<int:batch_id>")
@described("labels", query=BatchQuery, answer=BatchShown, refusals=(404,))
def batch(batch_id: int) -> Response:
    """Show a batch with the first of its images, and the first of those that people disagree on."""
    limit = read_query(BatchQuery).limit
    ledger = parts().config.ledger
    row = label_history.one_batch(ledger, batch_id)
    against = disagreements(ledger, [batch_id]).get(batch_id, Disagreement())
    return jsonify(
        batch=present.batch(row, against),
        images=[present.said(one) for one in batch_images(ledger, batch_id, limit=limit)],
        conflicts=[present.conflict(one) for one in conflicts(ledger, batch_id, limit=limit)],
    )


@api.post("/batches/<int:batch_id>/undo")
@described("labels", json=Undo, answer=BatchResult, refusals=(400, 404, 409))
def undo(batch_id: int) -> Response:
    """Put back what was before a batch, except where somebody has decided since."""
    wanted = read_json(Undo)
    have = parts().config
    result = label_history.undo(
        have.ledger, batch_id, author=author(), key=wanted.key, by=by(), request_sha256=request_sha256()
    )
    told(have.client.wake_index)
    return jsonify(present.batch_result(result))


@api.post("/batches/<int:batch_id>/redo")
@described("labels", json=Undo, answer=BatchResult, refusals=(400, 404, 409))
def redo(batch_id: int) -> Response:
    """Do again what a batch changed before it was undone, except where somebody has decided since."""
    wanted = read_json(Undo)
    have = parts().config
    result = label_history.redo(
        have.ledger, batch_id, author=author(), key=wanted.key, by=by(), request_sha256=request_sha256()
    )
    told(have.client.wake_index)
    return jsonify(present.batch_result(result))
