"""One label's images: looked through for wrong ones, suggested, and compared with another label's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify

from catalog import labels as catalog_labels
from catalog.artifacts import ArtifactError
from catalog.encoders import serving_encoder
from catalog.errors import UnknownLabel
from catalog.hits import Hit
from catalog.label_events import State
from catalog.label_merges import merged_into
from catalog.label_review import KIND, record_review
from catalog.labels import LabelCount
from catalog.ledger import Ledger
from catalog.shards import ShardDamaged
from catalog.standing import still_open
from curate.suggest import Suggestion
from webui import present
from webui.config import Parts, parts
from webui.errors import ApiError, no_encoder
from webui.identity import author

from .answers import BatchResult
from .answers_review import Compared, Review, ReviewDecided, Suggested, SuggestedDecided
from .blueprint import api, described
from .reading import read_json, read_query
from .requests_review import ComparedQuery, Moves, ReviewDecisions, ReviewQuery, SuggestedDecisions, SuggestedQuery
from .search import result
from .sent import request_sha256
from .waking import told

log = logging.getLogger(__name__)
LOOKS_LIKE = 0.4  # least share of an image's neighbours that another label needs to be named


@api.get("/labels/<int:label_id>/review")
@described("labels", query=ReviewQuery, answer=Review, refusals=(400, 404, 500))
def review(label_id: int) -> Response:
    """Show a page of the label's images, those most likely wrong first."""
    wanted = read_query(ReviewQuery)
    have = parts()
    found = have.reviewer.page(
        label_id, sort=wanted.sort, offset=wanted.offset, limit=wanted.limit, everything=wanted.everything
    )
    alike = looks_like(have, found.encoder_id, found.hits, found.label_id)
    return jsonify(
        label=present.label(label_today(have.config.ledger, found.label_id)),
        encoder=found.encoder_id,
        sort=wanted.sort,
        results=[result(hit, alike.get(hit.image_id), have.version) for hit in found.hits],
        total=found.total,
        reviewed=found.reviewed,
        unranked=found.unranked,
        took_ms=rounded(found.took_ms),
    )


@api.post("/labels/<int:label_id>/review")
@described("labels", json=ReviewDecisions, answer=ReviewDecided, refusals=(400, 404, 409))
def decide_review(label_id: int) -> Response:
    """Take images out of the label and note that the others were looked at: one batch, which one undo takes back."""
    wanted = read_json(ReviewDecisions)
    check_sides(wanted.kept, wanted.removed)
    have = parts().config
    made = record_review(
        have.ledger,
        key=wanted.key,
        author=author(),
        label_id=label_id,
        kept=wanted.kept,
        removed=wanted.removed,
        encoder_id=wanted.encoder,
        scores=wanted.scores,
        request_sha256=request_sha256(),
    )
    told(have.client.wake_index)
    return jsonify(
        batch=made.batch_id,
        kept=made.kept,
        removed=made.removed,
        passed_over=made.passed_over,
        repeated=made.repeated,
    )


@api.get("/labels/<int:label_id>/suggested")
@described("labels", query=SuggestedQuery, answer=Suggested, refusals=(400, 404, 409, 503))
def suggested(label_id: int) -> Response:
    """Show the undecided images that are most likely the label."""
    wanted = read_query(SuggestedQuery)
    have = parts()
    label = label_today(have.config.ledger, label_id)
    encoder = serving_encoder(have.config.ledger)
    if encoder is None:
        raise no_encoder()
    found = have.label_suggester.page(label.label.id, encoder=encoder, limit=wanted.limit)
    return jsonify(
        label=present.label(label),
        encoder=found.encoder_id,
        results=[result(hit, None, have.version) for hit in found.hits],
        cut=found.cut,
        took_ms=rounded(found.took_ms),
    )


@api.post("/labels/<int:label_id>/suggested")
@described("labels", json=SuggestedDecisions, answer=SuggestedDecided, refusals=(400, 404, 409))
def decide_suggested(label_id: int) -> Response:
    """Say which of the images shown are the label and which are not: one batch, which one undo takes back.

    Only what is undecided still is decided: nobody who sees a suggestion contradicts a decision made meanwhile.
    """
    wanted = read_json(SuggestedDecisions)
    check_sides(wanted.yes, wanted.no)
    said: list[tuple[State, tuple[int, ...]]] = [("yes", wanted.yes), ("no", wanted.no)]
    decisions = [
        catalog_labels.Decision(image_id, label_id, choice, score=wanted.scores.get(image_id))
        for choice, image_ids in said
        for image_id in dict.fromkeys(image_ids)
    ]
    made = recorded(
        parts(),
        key=wanted.key,
        decisions=decisions,
        encoder=wanted.encoder,
        kind="decide",
        still=still_open(label_id),
    )
    return jsonify(**present.batch_result(made), passed_over=max(0, len(decisions) - made.applied - made.unchanged))


@api.get("/labels/<int:label_id>/against/<int:other_id>")
@described("labels", query=ComparedQuery, answer=Compared, refusals=(400, 404, 500))
def compared(label_id: int, other_id: int) -> Response:
    """Show the label's images that look most like another label."""
    wanted = read_query(ComparedQuery)
    have = parts()
    found = have.comparer.page(label_id, other_id, offset=wanted.offset, limit=wanted.limit)
    return jsonify(
        label=present.label(label_today(have.config.ledger, found.label_id)),
        other=present.label(label_today(have.config.ledger, found.other_id)),
        encoder=found.encoder_id,
        results=[result(hit, None, have.version) for hit in found.hits],
        total=found.total,
        both=found.both,
        took_ms=rounded(found.took_ms),
    )


@api.post("/labels/<int:label_id>/against/<int:other_id>")
@described("labels", json=Moves, answer=BatchResult, refusals=(400, 404, 409))
def move(label_id: int, other_id: int) -> Response:
    """Move images from the label to the other one, or take them out of it: one batch, which one undo takes back."""
    wanted = read_json(Moves)
    have = parts()
    mine, other = (label_today(have.config.ledger, one).label.id for one in (label_id, other_id))
    if mine == other:
        raise ApiError(400, "invalid_value", "The two labels are the same one: choose another to compare with.")
    decisions = [catalog_labels.Decision(one, mine, "no") for one in wanted.image_ids]
    if wanted.to == "other":
        decisions += [catalog_labels.Decision(one, other, "yes") for one in wanted.image_ids]
    made = recorded(have, key=wanted.key, decisions=decisions, encoder=wanted.encoder, kind=KIND)
    return jsonify(present.batch_result(made))


def label_today(ledger: Ledger, label_id: int) -> LabelCount:
    """The label, or the one that it has been merged into, with its counts; UnknownLabel."""
    with ledger.read() as connection:
        today = merged_into(connection, [label_id])[label_id]
    found = next((row for row in catalog_labels.list_labels(ledger) if row.label.id == today), None)
    if found is None:
        raise UnknownLabel([label_id])
    return found


def looks_like(have: Parts, encoder_id: str | None, hits: list[Hit], label_id: int) -> dict[int, Suggestion]:
    """Which other label the neighbours of each image mostly have. A shard that cannot be read costs these alone."""
    if encoder_id is None:
        return {}
    refused = {hit.image_id: {label_id, *(state.label_id for state in hit.labels)} for hit in hits}
    try:
        found = have.suggester.suggest(encoder_id=encoder_id, image_ids=list(refused), refused=refused)
    except (ArtifactError, ShardDamaged) as error:
        log.warning("no other labels are named: %s", error)
        return {}
    return {image_id: one for image_id, one in found.items() if one.share >= LOOKS_LIKE}


def check_sides(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """400 unless something is said, and of no image both."""
    if both := set(one) & set(other):
        raise ApiError(400, "invalid_value", f"Image {min(both)} is said to be the label and not to be it.")
    if not (one or other):
        raise ApiError(400, "invalid_value", "Say of at least one image that it is the label, or is not.")


def recorded(
    have: Parts,
    *,
    key: str,
    decisions: list[catalog_labels.Decision],
    encoder: str | None,
    kind: str,
    still: catalog_labels.Still | None = None,
) -> catalog_labels.BatchResult:
    config = have.config
    made = catalog_labels.record(
        config.ledger,
        key=key,
        author=author(),
        decisions=decisions,
        encoder_id=encoder,
        kind=kind,
        still=still,
        request_sha256=request_sha256(),
    )
    told(config.client.wake_index)
    return made


def rounded(took_ms: Mapping[str, float]) -> dict[str, Any]:
    return {stage: round(ms, 2) for stage, ms in took_ms.items()}
