"""Acting on more than a page: all images that match, stated first, then decided as one batch."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Response, jsonify

from catalog.hits import describe_images
from catalog.hunts import get_hunt
from catalog.images import get_images
from catalog.label_groups import list_groups
from catalog.label_names import valid_name
from catalog.labels import list_labels
from catalog.matching import Kind
from curate import kept_matches, matches
from curate.above_line import DRAWN
from webui.config import Parts, WebConfig, parts
from webui.errors import ApiError
from webui.identity import author
from webui.labels_by_name import find_label_id
from webui.security import limiter

from .answers_matches import Match, MatchDecided, MatchPlan
from .blueprint import api, described
from .reading import read_json
from .requests_matches import MatchDecisions, MatchRequest, PlanRequest
from .search import ask, chosen_filter, result
from .sent import request_sha256
from .waking import told


@api.post("/matches")
@limiter.limit(lambda: parts().config.search_limit)
@described("matches", json=MatchRequest, answer=Match, status=201, refusals=(400, 404, 409, 422, 429, 503, 507))
def find_match() -> tuple[Response, int]:
    """Find all images that meet the conditions, not the nearest alone, and hold them still."""
    asked = read_json(MatchRequest)
    have = parts()
    wanted = chosen_filter(have, asked)
    if not (wanted.label_ids or wanted.unlabelled or wanted.source_ids or wanted.min_score is not None):
        raise ApiError(400, "no_condition", "Everything matches: choose a label, a source or a least score first.")
    ledger, store = have.config.ledger, have.config.store
    about: dict[str, Any] = {"hidden": own_file(have, asked) if asked.hide_own else None}
    if wanted.min_score is not None:
        question = ask(have, asked, any_way_up=asked.any_way_up)
        about = {
            "encoder_id": question.encoder.id,
            "vector": question.vector,
            "hidden": question.sha256 if asked.hide_own else None,
        }
    found = matches.find(ledger, store, wanted, **about)
    return jsonify(token=kept_matches.keep(store, found) if asked.keep else None, matched=len(found.ids)), 201


@api.post("/matches/<token>/plan")
@described("matches", json=PlanRequest, answer=MatchPlan, status=201, refusals=(400, 404, 507))
def plan_match(token: str) -> tuple[Response, int]:
    """State how the images of a match stand to a label, with a few drawn at random, before anything is decided."""
    asked = read_json(PlanRequest)
    have = parts()
    label = valid_name(asked.label)
    found = kept_matches.kept(have.config.store, token)
    label_id = find_label_id(have.config.ledger, label)
    planned, plan = stated(have.config, found, label=label, label_id=label_id, out=asked.out)
    drawn = describe_images(have.config.ledger, matches.draw(planned, DRAWN), found.wanted)
    shown = [result(hit, None, have.version) for hit in drawn]
    if found.scores is None:
        shown = [{**one, "score": None} for one in shown]
    return jsonify(**plan, drawn=shown), 201


@api.post("/hunts/<hunt_id>/above")
@described("hunts", answer=MatchPlan, status=201, refusals=(400, 404, 409, 422, 503, 507))
def above_line(hunt_id: str) -> tuple[Response, int]:
    """State what all undecided images above a hunt's line are, with a few drawn at random; nothing is decided yet."""
    have = parts()
    above = have.hunter.above(hunt_id)
    label_id = get_hunt(have.config.ledger, hunt_id).label_id
    label = next(row.label.name for row in list_labels(have.config.ledger) if row.label.id == label_id)
    _, plan = stated(have.config, above.match, label=label, label_id=label_id)
    return jsonify(**plan, drawn=[result(hit, None, have.version) for hit in above.drawn]), 201


def stated(
    have: WebConfig, found: matches.Match, *, label: str, label_id: int | None, out: Collection[int] = ()
) -> tuple[matches.Match, dict[str, Any]]:
    """The images of a match and how they stand to a label, kept under a token of its own."""
    planned, stand = matches.plan(have.ledger, found, label=label, label_id=label_id, out=out)
    groups = (one for one in list_groups(have.ledger) if one.exclusive and label in one.labels)
    group = next((one.name for one in groups), None)
    counts = {kind.name.lower(): int((stand.kinds == kind).sum()) for kind in Kind}
    made = {"token": kept_matches.keep(have.store, planned), "label": label, "group": group}
    return planned, {**made, "matched": len(planned.ids), "rivals": stand.rivals, **counts}


@api.post("/matches/<token>/decisions")
@described("matches", json=MatchDecisions, answer=MatchDecided, refusals=(400, 404, 409))
def decide_match(token: str) -> Response:
    """Decide what a plan has stated, as one batch; images that changed since are left out and counted."""
    asked = read_json(MatchDecisions)
    have = parts().config
    # Sent again after its hour, the plan is not kept any more: what was recorded under the key is the answer.
    sent = request_sha256()
    done = matches.recorded(have.ledger, asked.key, request_sha256=sent)
    if done is None:
        planned = kept_matches.kept(have.store, token)
        if planned.kinds is None:
            raise ApiError(400, "no_plan", "State what is to be decided first: ask for a plan of this match.")
        kinds = [Kind[name.upper()] for name in asked.kinds]
        done = matches.apply(
            have.ledger,
            planned,
            decision=asked.decision,
            kinds=kinds,
            key=asked.key,
            author=author(),
            request_sha256=sent,
        )
    told(have.client.wake_index)
    return jsonify(batch=done.batch_id, applied=done.applied, changed=done.changed, repeated=done.repeated)


def own_file(have: Parts, asked: MatchRequest) -> str | None:
    """The sha256 of the picture that was searched by, where it can be had without a worker."""
    if asked.image_id is not None:
        row = get_images(have.config.ledger, [asked.image_id]).get(asked.image_id)
        return row.sha256 if row else None
    return asked.upload
