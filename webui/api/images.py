"""Images: what is known of one, and taking one out."""

from __future__ import annotations

from flask import Response, jsonify

from catalog import images, labels
from webui import present
from webui.config import parts
from webui.errors import ApiError
from webui.identity import by

from .answers import Deleted, Image
from .blueprint import api, described
from .waking import told


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
