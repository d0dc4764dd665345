"""Two encoders on the same questions: their answers side by side, and the figures that tell them apart."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from flask import Response, jsonify, request

from catalog.embedded import alive, random_embedded
from catalog.encoders import Encoder, get_encoder
from catalog.images import Image, get_images
from catalog.search import SearchAnswer, search_images, vector_of_image
from curate.compare import compare_encoders, overlap
from webui import samples
from webui.config import Parts, parts
from webui.errors import ApiError
from webui.present import thumbnail_url

from .answers_encoders import EncoderFigures, SidesAnswer
from .blueprint import api, described
from .reading import checked, json_object, read_query, spread
from .requests_encoders import Figures, SideBySide, SideBySideUpload
from .search import no_query, result, upload_key, uploaded

OFFERED = 12  # images to ask both about


@api.get("/encoders/compare")
@described("encoders", query=Figures, answer=EncoderFigures, refusals=(400, 404, 503))
def figures() -> Response:
    """Tell how far two encoders' answers agree, and how often each finds the right label."""
    wanted = read_query(Figures)
    have = parts().config
    first, second = (get_encoder(have.ledger, one) for one in (wanted.first, wanted.second))
    made = compare_encoders(
        have.ledger, have.index, have.store, encoders=(first, second), k=wanted.k, queries=wanted.queries
    )
    one, two = made.precision or (None, None)
    return jsonify(
        k=made.k,
        queries=made.queries,
        overlap=made.overlap,
        labelled=made.labelled,
        first=one,
        second=two,
        by_label=[
            {"label": row.label, "queries": row.queries, "first": row.precision[0], "second": row.precision[1]}
            for row in made.by_label
        ],
        questions=[{"image_id": one, "thumbnail": thumbnail_url(one)} for one in questions(first, second)],
    )


def questions(first: Encoder, second: Encoder) -> list[int]:
    """Some images that both have embedded; others each time."""
    ledger = parts().config.ledger
    drawn = random_embedded(ledger, first.id, count=4 * OFFERED, random=np.random.default_rng(time.time_ns()))
    both = alive(ledger, encoder_id=second.id, image_ids=drawn)
    return [one for one in drawn if one in both][:OFFERED]


@api.post("/encoders/compare")
@described(
    "encoders",
    json=SideBySide,
    form=SideBySideUpload,
    answer=SidesAnswer,
    refusals=(400, 404, 409, 413, 422, 503, 507),
)
def side_by_side() -> Response:
    """Ask two encoders the same and show both answers."""
    have = parts()
    if request.mimetype == "multipart/form-data":
        wanted = checked(SideBySide, spread(SideBySide, request.form.to_dict(flat=False)))
        data: bytes | None = uploaded(have)
    else:
        wanted = checked(SideBySide, json_object())
        data = None
    given = [one for one in (data, wanted.image_id, wanted.upload, wanted.sample) if one is not None]
    if len(given) != 1:
        raise no_query() if not given else ApiError(400, "invalid_value", "Ask about one picture, not several.")
    encoders = [get_encoder(have.config.ledger, one) for one in (wanted.first, wanted.second)]
    if wanted.image_id is not None:
        image, vectors = of_image(have, wanted.image_id, encoders)
        query = {"upload": None, "image_id": image.id, "width": image.width, "height": image.height}
        sha256 = image.sha256
    else:
        sha256 = wanted.upload or kept(have, data if data is not None else sample(have, str(wanted.sample)))
        query, vectors = of_upload(have, sha256, encoders)
    answers = [
        asked(have, encoder, vector, k=wanted.k, sha256=sha256)
        for encoder, vector in zip(encoders, vectors, strict=True)
    ]
    first, second = ([hit.image_id for hit in answer.hits if not hit.own_copy] for answer in answers)
    return jsonify(
        query=query,
        k=wanted.k,
        overlap=round(overlap(first, second, k=wanted.k), 4),
        sides=[
            {"encoder": answer.encoder_id, "results": [result(hit, None, have.version) for hit in answer.hits]}
            for answer in answers
        ],
    )


def asked(have: Parts, encoder: Encoder, vector: npt.NDArray[np.float32], *, k: int, sha256: str) -> SearchAnswer:
    ledger, index = have.config.ledger, have.config.index
    # One more: the picture itself may be among them, and is no answer.
    return search_images(ledger, index, encoder=encoder, vectors=vector[None, :], k=k + 1, query_sha256=sha256)


def of_image(have: Parts, image_id: int, encoders: list[Encoder]) -> tuple[Image, list[npt.NDArray[np.float32]]]:
    image = get_images(have.config.ledger, [image_id]).get(image_id)
    if image is None or image.deleted:
        raise ApiError(404, "unknown_image", f"There is no image {image_id}.")
    ledger, store = have.config.ledger, have.config.store
    return image, [vector_of_image(ledger, store, encoder_id=one.id, image_id=image_id) for one in encoders]


def of_upload(
    have: Parts, sha256: str, encoders: list[Encoder]
) -> tuple[dict[str, Any], list[npt.NDArray[np.float32]]]:
    if not have.config.store.exists(upload_key(sha256)):
        raise ApiError(404, "unknown_upload", "The uploaded picture is no longer kept; upload it again.")
    ask = have.config.client.embed_query
    made = [
        ask(key=upload_key(sha256), timeout_s=have.config.query_timeout_s, encoder_id=encoder.id)
        for encoder in encoders
    ]
    query = {"upload": sha256, "image_id": None, "width": made[0].width, "height": made[0].height}
    return query, [one.vector for one in made]


def kept(have: Parts, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    have.config.store.put(upload_key(sha256), data, durable=False)
    return sha256


def sample(have: Parts, name: str) -> bytes:
    picture = samples.find(have.config.samples_dir, name)
    if picture is None:
        raise ApiError(404, "unknown_sample", f"No picture to try is named {name}.")
    return picture.path.read_bytes()
