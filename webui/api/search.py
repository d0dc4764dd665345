"""Search: a picture, an image or a sample in; the nearest images with their labels out."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from flask import Response, jsonify, request

from catalog import images
from catalog.artifacts import ArtifactError, ArtifactMissing
from catalog.encoders import Encoder, get_encoder, serving_encoder
from catalog.hits import Hit
from catalog.search import MOST_RESULTS, search_images, vector_of_image
from catalog.search_filter import SearchFilter
from catalog.shards import ShardDamaged
from catalog.sources import get_source
from catalog.ways_up import WAYS, WayUp, find_way
from curate.folding import BELOW, Folds, with_copies
from curate.suggest import Suggestion
from webui import samples
from webui.config import Parts, parts
from webui.errors import ApiError, no_encoder
from webui.labels_by_name import label_ids
from webui.observed import searched
from webui.present import label_on, shown_path, thumbnail_url
from webui.security import limiter

from .answers import SearchAnswer
from .blueprint import api, described
from .reading import checked, json_object, spread
from .requests import Filters, Picture, SearchOptions, SearchRequest, SearchUpload

log = logging.getLogger(__name__)
VIEW_SIDE = 512  # of an image that is embedded again: far more than an encoder takes in
UPLOAD_FRESH_S = 600.0  # uploads are swept after an hour; one that is younger need not be written again


@dataclass(frozen=True)
class Question:
    """What to search for, as a vector of one encoder."""

    vector: npt.NDArray[np.float32]  # (d,)
    encoder: Encoder
    sha256: str
    width: int
    height: int
    upload: str | None = None
    image_id: int | None = None
    way_up: WayUp | None = None
    took_ms: dict[str, float] = field(default_factory=dict)


@api.post("/search")
@limiter.limit(lambda: parts().config.search_limit)
@described(
    "search",
    json=SearchRequest,
    form=SearchUpload,
    answer=SearchAnswer,
    refusals=(400, 404, 409, 413, 422, 429, 503, 507),
)
def search() -> Response:
    """Find the images nearest to a picture."""
    started = time.perf_counter()
    have = parts()
    if request.mimetype == "multipart/form-data":
        options = checked(SearchOptions, spread(SearchOptions, request.form.to_dict(flat=False) | filters_in_address()))
        wanted = chosen_filter(have, options)
        question = ask_picture(have, uploaded(have), any_way_up=options.any_way_up)
    else:
        asked = checked(SearchRequest, spread(SearchRequest, filters_in_address()) | json_object())
        options = asked
        wanted = chosen_filter(have, options)
        question = ask(have, asked, any_way_up=options.any_way_up)
    answer = search_images(
        have.config.ledger,
        have.config.index,
        encoder=question.encoder,
        vectors=question.vector[None, :],
        k=min(MOST_RESULTS, options.k + BELOW) if options.fold else options.k,
        filter=wanted,
        query_sha256=question.sha256,
    )
    took_ms = {**question.took_ms, **answer.took_ms}
    hits: list[Hit] = answer.hits
    folds: Folds = ()
    if options.fold:
        before = time.perf_counter()
        hits, folds = with_copies(hits, have.folder.folds(hits), k=options.k)
        took_ms["fold"] = milliseconds(before)
    suggestions: dict[int, Suggestion] = {}
    if options.suggest:
        before = time.perf_counter()
        suggestions = suggested(have, question.encoder.id, hits)
        took_ms["suggest"] = milliseconds(before)
    results = [result(hit, suggestions.get(hit.image_id), have.version) for hit in hits]
    took_ms["total"] = milliseconds(started)
    searched(took_ms)
    return jsonify(
        query={
            "upload": question.upload,
            "image_id": question.image_id,
            "width": question.width,
            "height": question.height,
        },
        way_up=question.way_up and vars(question.way_up),
        encoder=question.encoder.id,
        took_ms={stage: round(ms, 2) for stage, ms in took_ms.items()},
        results=results,
        folds=folds,
        exhausted=answer.exhausted and len(hits) == len(answer.hits),
    )


def suggested(have: Parts, encoder_id: str, hits: Sequence[Hit]) -> dict[int, Suggestion]:
    """Suggestions for the hits that have no label yet. A shard that cannot be read costs these, not the search."""
    undecided = [hit for hit in hits if not any(state.state == "yes" for state in hit.labels)]
    refused = {hit.image_id: [state.label_id for state in hit.labels] for hit in undecided if hit.labels}
    try:
        return have.suggester.suggest(
            encoder_id=encoder_id, image_ids=[hit.image_id for hit in undecided], refused=refused
        )
    except (ArtifactError, ShardDamaged) as error:
        log.warning("no suggestions: %s", error)
        return {}


def filters_in_address() -> dict[str, list[Any]]:
    """The options given in the query string, which a link may hold beside the body."""
    return dict(request.args.to_dict(flat=False))


def milliseconds(since: float) -> float:
    return (time.perf_counter() - since) * 1000


def chosen_filter(have: Parts, options: Filters) -> SearchFilter:
    """The filter with names turned to ids; 404 names the label or source that there is not."""
    return SearchFilter(
        label_ids=label_ids(have.config.ledger, options.label),
        unlabelled=options.unlabelled,
        source_ids=known_sources(have, options.source),
        min_score=options.min_score,
    )


def known_sources(have: Parts, source_ids: tuple[int, ...]) -> tuple[int, ...]:
    for source_id in source_ids:
        get_source(have.config.ledger, source_id)
    return source_ids


def uploaded(have: Parts) -> bytes:
    """The bytes of the form's file."""
    file = request.files.get("file")
    if file is None:
        raise no_query()
    limit = have.config.max_upload_mb * 2**20
    data = file.stream.read(limit + 1)
    if len(data) > limit:
        raise ApiError(413, "too_large", f"The picture is larger than the limit of {have.config.max_upload_mb} MB.")
    if not data:
        raise ApiError(422, "query_failed", "The picture is empty: the file holds no bytes.", kind="empty")
    return data


def no_query() -> ApiError:
    return ApiError(
        400,
        "no_query",
        "Nothing to search for: send a picture as the form field `file`, or one of `image_id`, `upload` and `sample`.",
    )


def ask(have: Parts, asked: Picture, *, any_way_up: bool = False) -> Question:
    """The question behind a JSON document, which names exactly one picture."""
    given = [value for value in (asked.image_id, asked.upload, asked.sample) if value is not None]
    if not given:
        raise no_query()
    if len(given) > 1:
        raise ApiError(400, "invalid_value", "Give one of `image_id`, `upload` and `sample`, not several.")
    if asked.image_id is not None:
        return ask_image(have, asked.image_id, any_way_up=any_way_up)
    if asked.sample is not None:
        picture = samples.find(have.config.samples_dir, asked.sample)
        if picture is None:
            raise ApiError(404, "unknown_sample", f"No picture to try is named {asked.sample}.")
        return ask_picture(have, picture.path.read_bytes(), any_way_up=any_way_up)
    upload = str(asked.upload)
    if not have.config.store.exists(upload_key(upload)):
        raise ApiError(404, "unknown_upload", "The uploaded picture is no longer kept; upload it again.")
    return embedded(have, upload, any_way_up=any_way_up)


def upload_key(sha256: str) -> str:
    return f"uploads/{sha256}"


def ask_picture(have: Parts, data: bytes, *, any_way_up: bool = False) -> Question:
    """Keep the bytes under their hash for the query worker, and have them embedded."""
    before = time.perf_counter()
    sha256 = hashlib.sha256(data).hexdigest()
    if not is_fresh(have, upload_key(sha256), size=len(data)):
        have.config.store.put(upload_key(sha256), data, durable=False)
    return embedded(have, sha256, any_way_up=any_way_up, took_ms={"store": milliseconds(before)})


def is_fresh(have: Parts, key: str, *, size: int) -> bool:
    """Whether the upload is there for long enough, and whole: a power failure can cut it short."""
    store = have.config.store
    try:
        return store.age(key) < UPLOAD_FRESH_S and store.size(key) == size
    except ArtifactMissing:
        return False


def embedded(
    have: Parts, sha256: str, *, any_way_up: bool = False, took_ms: dict[str, float] | None = None
) -> Question:
    """The vector of an upload, from the query worker; its encoder is the one that the worker used."""
    before = time.perf_counter()
    made = have.config.client.embed_query(
        key=upload_key(sha256), timeout_s=have.config.query_timeout_s, any_way_up=any_way_up
    )
    stages = {f"worker_{stage}": ms for stage, ms in made.stages_ms.items()}
    stages["embed"] = milliseconds(before)
    encoder = get_encoder(have.config.ledger, made.encoder_id)
    way = 0
    if any_way_up:
        before = time.perf_counter()
        way = find_way(have.config.index, encoder.collection, made.vectors)
        stages["way_up"] = milliseconds(before)
    return Question(
        vector=made.vectors[way],
        encoder=encoder,
        way_up=WAYS[way] if any_way_up else None,
        sha256=sha256,
        width=made.width,
        height=made.height,
        upload=sha256,
        took_ms={**(took_ms or {}), **stages},
    )


def ask_image(have: Parts, image_id: int, *, any_way_up: bool = False) -> Question:
    """The vector of an image that is known, read from its shard: no worker is needed but for its other ways up."""
    before = time.perf_counter()
    ledger = have.config.ledger
    image = images.get_images(ledger, [image_id]).get(image_id)
    if image is None or image.deleted:
        raise ApiError(404, "unknown_image", f"There is no image {image_id}.")
    if any_way_up:
        view = have.config.client.full_view(image_id, side=VIEW_SIDE, timeout_s=have.config.query_timeout_s)
        asked = ask_picture(have, view, any_way_up=True)
        return replace(
            asked, sha256=image.sha256, upload=None, image_id=image.id, width=image.width, height=image.height
        )
    encoder = serving_encoder(ledger)
    if encoder is None:
        raise no_encoder()
    vector = vector_of_image(ledger, have.config.store, encoder_id=encoder.id, image_id=image_id)
    return Question(
        vector=vector,
        encoder=encoder,
        sha256=image.sha256,
        width=image.width,
        height=image.height,
        image_id=image_id,
        took_ms={"vector": milliseconds(before)},
    )


def result(hit: Hit, suggestion: Suggestion | None, version: str) -> dict[str, Any]:
    return {
        "image_id": hit.image_id,
        "score": round(hit.score, 4),
        "own_copy": hit.own_copy,
        "labels": [label_on(state) for state in hit.labels],
        "suggestion": suggestion
        and {"name": suggestion.name, "colour": suggestion.colour, "share": round(suggestion.share, 3)},
        "source": hit.place.source_name if hit.place else "",
        "path": shown_path(hit.place.root, hit.place.path) if hit.place else "",
        "width": hit.width,
        "height": hit.height,
        "thumbnail": thumbnail_url(hit.image_id, version),
    }
