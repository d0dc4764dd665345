"""Hunts: begun, listed, given examples, and worked through step by step."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from catalog import hunt_examples, hunts
from catalog import labels as catalog_labels
from catalog.artifacts import ArtifactMissing
from catalog.hunts import Hunt as HuntRow
from catalog.label_events import State
from catalog.label_keys import batch_of_key
from catalog.ledger import Ledger
from catalog.standing import still_open
from curate import hunt_state
from curate.hunt import NothingToAccept
from curate.proposal import Proposal
from webui import present, samples
from webui.config import Parts, parts
from webui.errors import ApiError
from webui.identity import author, by

from .answers_hunts import Estimated, Hunt, HuntDecided, Hunts, Step
from .blueprint import api, described
from .reading import checked, read_json, read_query, spread
from .requests import Page
from .requests_hunts import (
    Accept,
    AnExample,
    ExampleOptions,
    ExampleUpload,
    HuntChange,
    HuntDecisions,
    NewHunt,
    StepOptions,
)
from .search import result, upload_key, uploaded
from .sent import request_sha256
from .waking import told


@api.get("/hunts")
@described("hunts", query=Page, answer=Hunts)
def all_hunts() -> Response:
    """List the hunts, those under way first, each with what it has found."""
    page = read_query(Page)
    ledger = parts().config.ledger
    names = labels_by_id(ledger)
    rows = hunts.list_hunts(ledger, limit=page.limit, offset=page.offset)
    return jsonify(hunts=[present.hunt(row, names[row.hunt.label_id], ()) for row in rows])


@api.post("/hunts")
@described("hunts", json=NewHunt, answer=Hunt, status=201, refusals=(400, 404))
def begin_hunt() -> tuple[Response, int]:
    """Begin a hunt for all images of a label."""
    wanted = read_json(NewHunt)
    have = parts()
    pictures = [example_bytes(have, one) for one in wanted.examples]
    label = catalog_labels.ensure_label(have.config.ledger, wanted.label)
    made = hunts.create_hunt(have.config.ledger, label_id=label.id, author=author(), name=wanted.name)
    for one, data in zip(wanted.examples, pictures, strict=True):
        put_example(have, made.id, one, data)
    return jsonify(shown(have, made.id)), 201


@api.get("/hunts/<hunt_id>")
@described("hunts", answer=Hunt, refusals=(404,))
def one_hunt(hunt_id: str) -> Response:
    """Show a hunt with its examples."""
    return jsonify(shown(parts(), hunt_id))


@api.patch("/hunts/<hunt_id>")
@described("hunts", json=HuntChange, answer=Hunt, refusals=(400, 404, 409))
def change_hunt(hunt_id: str) -> Response:
    """Finish a hunt, take it up again, or give it a name."""
    wanted = read_json(HuntChange)
    have = parts()
    ledger = have.config.ledger
    if wanted.name is not None:
        row = hunts.get_hunt(ledger, hunt_id)
        hunts.save_hunt(ledger, hunt_id, version=row.version, state=row.state, name=wanted.name)
    if wanted.finished is not None:
        hunts.finish_hunt(ledger, hunt_id, finished=wanted.finished)
    return jsonify(shown(have, hunt_id))


@api.delete("/hunts/<hunt_id>")
@described("hunts", status=204, refusals=(400, 404))
def forget_hunt(hunt_id: str) -> tuple[str, int]:
    """Forget a hunt and its examples; the labels stay."""
    have = parts().config
    hunts.delete_hunt(have.ledger, have.store, hunt_id, by=by())
    have.store.delete(hunt_state.ranked_key(hunt_id))
    return "", 204


@api.post("/hunts/<hunt_id>/examples")
@described(
    "hunts", json=AnExample, form=ExampleUpload, answer=Hunt, status=201, refusals=(400, 404, 413, 422, 503, 507)
)
def add_example(hunt_id: str) -> tuple[Response, int]:
    """Add a picture or an image to what is looked for (sign 1) or what is not (sign -1)."""
    have = parts()
    if request.mimetype == "multipart/form-data":
        form = checked(ExampleOptions, spread(ExampleOptions, request.form.to_dict(flat=False)))
        data = uploaded(have)
        hunt_examples.add_upload(
            have.config.ledger, have.config.store, hunt_id, data=data, sign=form.sign, author=author()
        )
    else:
        wanted = read_json(AnExample)
        put_example(have, hunt_id, wanted, example_bytes(have, wanted))
    return jsonify(shown(have, hunt_id)), 201


@api.delete("/hunts/<hunt_id>/examples/<int:example_id>")
@described("hunts", answer=Hunt, refusals=(400, 404))
def remove_example(hunt_id: str, example_id: int) -> Response:
    """Take an example out."""
    have = parts()
    hunt_examples.remove_example(have.config.ledger, have.config.store, hunt_id, example_id)
    return jsonify(shown(have, hunt_id))


@api.post("/hunts/<hunt_id>/step")
@described("hunts", query=StepOptions, answer=Step, refusals=(400, 404, 409, 422, 503))
def next_step(hunt_id: str) -> Response:
    """Propose what to look at next, ranked by all that has been decided so far."""
    fold = read_query(StepOptions).fold
    return jsonify(proposed(parts(), hunt_id, parts().hunter.propose(hunt_id, fold=fold)))


@api.post("/hunts/<hunt_id>/check")
@described("hunts", query=StepOptions, answer=Step, refusals=(400, 404, 409, 422, 503))
def random_check(hunt_id: str) -> Response:
    """Draw pictures at random to be decided: from them it is estimated how many of the label are unfound."""
    fold = read_query(StepOptions).fold
    return jsonify(proposed(parts(), hunt_id, parts().hunter.check(hunt_id, fold=fold)))


@api.get("/hunts/<hunt_id>/estimate")
@described("hunts", answer=Estimated, refusals=(404, 409, 422, 503))
def estimate(hunt_id: str) -> Response:
    """Estimate how many of the label are unfound; null before the first random check."""
    made = parts().hunter.estimate(hunt_id)
    return jsonify(estimate=made and present.estimate(made))


@api.post("/hunts/<hunt_id>/decisions")
@described("hunts", json=HuntDecisions, answer=HuntDecided, refusals=(400, 404, 409))
def decide_in_hunt(hunt_id: str) -> Response:
    """Say which of the pictures shown are the label and which are not: one batch, which one undo takes back."""
    wanted = read_json(HuntDecisions)
    have = parts()
    row = hunts.get_hunt(have.config.ledger, hunt_id)
    if both := set(wanted.yes) & set(wanted.no):
        raise ApiError(400, "invalid_value", f"Image {min(both)} is said to be the label and not to be it.")
    if not (wanted.yes or wanted.no):
        raise ApiError(400, "invalid_value", "Say of at least one image that it is the label, or is not.")
    said: list[tuple[State, tuple[int, ...]]] = [("yes", wanted.yes), ("no", wanted.no)]
    decisions = [
        catalog_labels.Decision(image_id, row.label_id, choice, score=wanted.scores.get(image_id))
        for choice, image_ids in said
        for image_id in dict.fromkeys(image_ids)
    ]
    return jsonify(recorded(have, row, wanted.key, decisions, wanted.encoder))


@api.post("/hunts/<hunt_id>/accept")
@described("hunts", json=Accept, answer=HuntDecided, refusals=(400, 404, 409))
def accept_run(hunt_id: str) -> Response:
    """Agree to label a whole run of pictures unseen, or decline: then they are shown page by page."""
    wanted = read_json(Accept)
    have = parts()
    row = hunts.get_hunt(have.config.ledger, hunt_id)
    # Sent again, the run is not on offer any more: what was recorded under the key is the answer.
    if (known := batch_of_key(have.config.ledger, wanted.key, request_sha256=request_sha256())) is not None:
        return jsonify(outcome(have, row, batch=known, repeated=True))
    if not wanted.accept:
        have.hunter.close_offer(hunt_id, wanted.token, agreed=False)
        return jsonify(outcome(have, row))
    try:
        image_ids = have.hunter.accepted(hunt_id, wanted.token)
    except NothingToAccept:
        raise ApiError(409, "offer_gone", "This run is not on offer any more: look at the next pictures.") from None
    decisions = [catalog_labels.Decision(image_id, row.label_id, "yes") for image_id in image_ids.tolist()]
    answer = recorded(have, row, wanted.key, decisions, None, still=still_open(row.label_id))
    have.hunter.close_offer(hunt_id, wanted.token, agreed=True)
    return jsonify(answer)


def recorded(
    have: Parts,
    row: HuntRow,
    key: str,
    decisions: list[catalog_labels.Decision],
    encoder: str | None,
    *,
    still: catalog_labels.Still | None = None,
) -> dict[str, Any]:
    config = have.config
    made = catalog_labels.record(
        config.ledger,
        key=key,
        author=author(),
        decisions=decisions,
        hunt=row.id,
        encoder_id=encoder,
        still=still,
        request_sha256=request_sha256(),
    )
    told(config.client.wake_index)
    return outcome(
        have, row, batch=made.batch_id, applied=made.applied, unchanged=made.unchanged, repeated=made.repeated
    )


def outcome(
    have: Parts,
    row: HuntRow,
    *,
    batch: int | None = None,
    applied: int = 0,
    unchanged: int = 0,
    repeated: bool = False,
) -> dict[str, Any]:
    counted = hunts.count_hunt(have.config.ledger, row.id)
    return {
        "batch": batch,
        "applied": applied,
        "unchanged": unchanged,
        "repeated": repeated,
        "found": counted.found,
        "rejected": counted.rejected,
    }


def example_bytes(have: Parts, one: AnExample) -> bytes | None:
    """The bytes of an example that is a picture, None for an image; 400 and 404 before anything is kept."""
    given = [value for value in (one.image_id, one.upload, one.sample) if value is not None]
    if len(given) != 1:
        raise ApiError(400, "invalid_value", "An example is one of `image_id`, `upload` and `sample`.")
    if one.sample is not None:
        picture = samples.find(have.config.samples_dir, one.sample)
        if picture is None:
            raise ApiError(404, "unknown_sample", f"No picture to try is named {one.sample}.")
        return picture.path.read_bytes()
    if one.upload is not None:
        try:
            return have.config.store.get(upload_key(one.upload))
        except ArtifactMissing:
            gone = "The uploaded picture is no longer kept; upload it again."
            raise ApiError(404, "unknown_upload", gone) from None
    return None


def put_example(have: Parts, hunt_id: str, one: AnExample, data: bytes | None) -> None:
    config = have.config
    if data is not None:
        hunt_examples.add_upload(config.ledger, config.store, hunt_id, data=data, sign=one.sign, author=author())
    elif one.image_id is not None:
        hunt_examples.add_image(config.ledger, hunt_id, one.image_id, sign=one.sign, author=author())


def shown(have: Parts, hunt_id: str) -> dict[str, Any]:
    ledger = have.config.ledger
    row = hunts.count_hunt(ledger, hunt_id)
    return present.hunt(row, labels_by_id(ledger)[row.hunt.label_id], hunt_examples.list_examples(ledger, hunt_id))


def labels_by_id(ledger: Ledger) -> dict[int, catalog_labels.Label]:
    return {row.label.id: row.label for row in catalog_labels.list_labels(ledger)}


def proposed(have: Parts, hunt_id: str, made: Proposal) -> dict[str, Any]:
    counted = hunts.count_hunt(have.config.ledger, hunt_id)
    return {
        "kind": made.kind,
        "token": made.token,
        "encoder": made.encoder_id,
        "results": [result(hit, None, have.version) for hit in made.hits],
        "folds": made.folds,
        "cut": made.cut,
        "line": made.line,
        "run": made.run,
        "count": made.count,
        "wrong": round(made.wrong, 4),
        "checked": made.checked,
        "found": counted.found,
        "rejected": counted.rejected,
        "took_ms": {stage: round(ms, 2) for stage, ms in made.took_ms.items()},
    }
