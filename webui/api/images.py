"""Images: the newest of some kind, what is known of one, and taking one out."""

from __future__ import annotations

from flask import Response, jsonify

from catalog import images, labels
from catalog.encoders import serving_encoder
from catalog.hits import describe_images
from catalog.search_filter import newest_images
from webui import present
from webui.config import parts
from webui.errors import ApiError
from webui.identity import by

from .answers import Deleted
from .answers_images import Browsed, Image
from .blueprint import api, described
from .reading import read_query
from .requests import Browse
from .search import chosen_filter, result, suggested
from .waking import told


@api.get("/images")
@described("images", query=Browse, answer=Browsed, refusals=(400, 404))
def browse() -> Response:
    """Show the images that meet the conditions, the latest to come first; no picture is searched by."""
    asked = read_query(Browse)
    if asked.min_score is not None:
        raise ApiError(400, "no_query", "A least score needs a picture to search by: leave `min_score` out.")
    have = parts()
    ledger = have.config.ledger
    wanted = chosen_filter(have, asked)
    ids = newest_images(ledger, wanted, asked.k + 1)
    hits = describe_images(ledger, [(image_id, 0.0) for image_id in ids[: asked.k]], wanted)
    encoder = serving_encoder(ledger)
    told_of = suggested(have, encoder.id, hits) if encoder else {}
    results = [{**result(hit, told_of.get(hit.image_id), have.version), "score": None} for hit in hits]
    return jsonify(results=results, encoder=encoder and encoder.id, exhausted=len(ids) <= asked.k)


@api.get("/images/<int:image_id>")
@described("images", answer=Image, refusals=(404,))
def image(image_id: int) -> Response:
    """Tell all that is known of an image."""
    ledger = parts().config.ledger
    row = images.get_images(ledger, [image_id]).get(image_id)
    if row is None or row.deleted:
        raise unknown(image_id)
    states = labels.states(ledger, [image_id]).get(image_id, [])
    return jsonify(present.image(row, places=images.places_of(ledger, image_id), labels=states))


@api.delete("/images/<int:image_id>")
@described("images", answer=Deleted, refusals=(400, 404))
def delete_image(image_id: int) -> Response:
    """Take an image out of the catalog; its file stays, and so does the history of its labels."""
    have = parts().config
    if not (deleted := images.delete_images(have.ledger, [image_id], by=by())):
        raise unknown(image_id)
    told(have.client.wake_index)
    return jsonify(deleted=deleted)


def unknown(image_id: int) -> ApiError:
    return ApiError(404, "unknown_image", f"There is no image {image_id}.")
