"""Labels: the list, what can be changed of them, and decisions about many images at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify

from catalog import images
from catalog import labels as catalog_labels
from catalog.label_history import one_batch
from catalog.label_keys import batch_of_key
from catalog.ledger import Ledger
from webui import present
from webui.config import parts
from webui.errors import ApiError
from webui.identity import author
from webui.labels_by_name import find_label_id, label_ids

from .answers import BatchResult, Labels, Merged, MergePlan
from .answers import Label as LabelDocument
from .blueprint import api, described
from .reading import read_json, read_query
from .requests import Decisions, LabelChange, Merge, MergeInto, NewLabel
from .sent import request_sha256
from .waking import told


@api.get("/labels")
@described("labels", answer=Labels)
def labels() -> Response:
    """List the labels with the number of images that are and are not."""
    return jsonify(labels=[present.label(row) for row in catalog_labels.list_labels(parts().config.ledger)])


@api.post("/labels")
@described("labels", json=NewLabel, answer=LabelDocument, status=201, refusals=(400,))
def add_label() -> tuple[Response, int]:
    """Add a label, or find the one of that name."""
    wanted = read_json(NewLabel)
    ledger = parts().config.ledger
    made = catalog_labels.ensure_label(ledger, wanted.name, group=wanted.group, exclusive=wanted.exclusive)
    return jsonify(counted(made)), 201


@api.patch("/labels/<int:label_id>")
@described("labels", json=LabelChange, answer=LabelDocument, refusals=(400, 404))
def change_label(label_id: int) -> Response:
    """Give a label another name, colour or group, or take it out of its group."""
    wanted = read_json(LabelChange)
    out = wanted.group is None and "group" in wanted.model_fields_set
    changed = catalog_labels.change_label(
        parts().config.ledger,
        label_id,
        name=wanted.name,
        colour=wanted.colour,
        group=False if out else wanted.group,
        exclusive=wanted.exclusive,
    )
    return jsonify(counted(changed))


@api.get("/labels/<int:label_id>/merge")
@described("labels", query=MergeInto, answer=MergePlan, refusals=(400, 404))
def merge_plan(label_id: int) -> Response:
    """Say what a merge into another label would do now."""
    wanted = read_query(MergeInto)
    ledger = parts().config.ledger
    plan = catalog_labels.plan_merge(ledger, label_id, into=label_ids(ledger, [wanted.into])[0])
    return jsonify(asdict(plan))


@api.post("/labels/<int:label_id>/merge")
@described("labels", json=Merge, answer=Merged, refusals=(400, 404, 409))
def merge(label_id: int) -> Response:
    """Let another label take over what was decided about this one; what contradicts stays, and is counted."""
    wanted = read_json(Merge)
    have = parts().config
    into = label_ids(have.ledger, [wanted.into])[0]
    done = catalog_labels.merge_label(
        have.ledger, label_id, into=into, author=author(), key=wanted.key, request_sha256=request_sha256()
    )
    told(have.client.wake_index)
    return jsonify(batch=done.batch_id, moved=done.moved, contradictions=done.contradictions, repeated=done.repeated)


def counted(label: catalog_labels.Label) -> dict[str, Any]:
    """The label with the number of images that are and are not."""
    rows = catalog_labels.list_labels(parts().config.ledger)
    return present.label(next(row for row in rows if row.label.id == label.id))


@api.post("/labels/decisions")
@described("labels", json=Decisions, answer=BatchResult, refusals=(400, 404, 409))
def decide() -> Response:
    """Say of many images that they are a label, are not, or that it is open again."""
    wanted = read_json(Decisions)
    if wanted.scores is not None and len(wanted.scores) != len(wanted.image_ids):
        raise ApiError(400, "invalid_value", "scores: give one for each of image_ids, or none at all.")
    have = parts().config
    label_id = label_to_decide(have.ledger, wanted)
    scores = wanted.scores or (None,) * len(wanted.image_ids)
    result = catalog_labels.record(
        have.ledger,
        key=wanted.key,
        author=author(),
        decisions=[
            catalog_labels.Decision(image_id=image_id, label_id=label_id, decision=wanted.decision, score=score)
            for image_id, score in dict(zip(wanted.image_ids, scores, strict=True)).items()
        ],
        hunt=wanted.hunt,
        encoder_id=wanted.encoder,
        request_sha256=request_sha256(),
    )
    told(have.client.wake_index)
    return jsonify(present.batch_result(result))


def label_to_decide(ledger: Ledger, wanted: Decisions) -> int:
    """The label's id. A new name becomes a label with its first decision, but not one about images that are not, nor
    one whose key was used: then it is the label of that time, whatever its name is now, 0 where none was changed."""
    known = find_label_id(ledger, wanted.label)
    if known is not None:
        return known
    if (former := batch_of_key(ledger, wanted.key)) is not None:
        written = one_batch(ledger, former).parts
        return next((part.label_id for part in written if part.decision == wanted.decision), 0)
    if wanted.decision == "unknown":
        raise ApiError(404, "unknown_label", f"There is no label {wanted.label}.")
    if missing := set(wanted.image_ids) - images.get_images(ledger, wanted.image_ids).keys():
        raise ApiError(404, "unknown_image", f"There is no image {min(missing)}.")
    return catalog_labels.ensure_label(ledger, wanted.label).id
