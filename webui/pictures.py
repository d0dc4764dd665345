"""Pictures by id: thumbnails from their packs, larger views made anew by a worker; never a file as it was found."""

from __future__ import annotations

import re

from flask import Blueprint, Response, make_response, request, send_file

from catalog.artifacts import ArtifactMissing
from catalog.hunt_examples import list_examples
from catalog.images import Image, get_images

from . import samples
from .config import parts
from .errors import ApiError
from .security import limiter

blueprint = Blueprint("pictures", __name__)
VIEW_SIDES = (1600, 320, 800, 2400)  # the first unless the address says another
A_YEAR_S = 365 * 24 * 3600
FIRST_BYTES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
SHA256 = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/thumbnail/<int:image_id>")
@limiter.exempt
def thumbnail(image_id: int) -> Response:
    """The image's thumbnail, JPEG, as its ingest made it."""
    image = known_image(image_id)
    if image.thumbnail is None:
        raise ApiError(404, "no_thumbnail", f"Image {image_id} has no thumbnail yet.")
    where = image.thumbnail
    try:
        data = parts().config.store.get_range(where.pack, where.offset, where.length)
    except ArtifactMissing:
        raise ApiError(404, "no_thumbnail", f"The thumbnail of image {image_id} is lost.") from None
    return picture(data, tag=image.sha256)


@blueprint.get("/view/<int:image_id>")
def view(image_id: int) -> Response:
    """The image at up to `side` pixels, decoded and encoded anew by a query worker."""
    image = known_image(image_id)
    have = parts().config
    side = chosen_side()
    data = have.client.full_view(image_id, side=side, timeout_s=have.query_timeout_s)
    return picture(data, tag=f"{image.sha256}-{side}")


@blueprint.get("/view/upload/<sha256>")
def upload_view(sha256: str) -> Response:
    """A picture that was searched with, as long as it is kept, made anew in the same way."""
    have = parts().config
    key = f"uploads/{sha256}"
    if not SHA256.fullmatch(sha256) or not have.store.exists(key):
        raise ApiError(404, "unknown_upload", "The uploaded picture is no longer kept; upload it again.")
    side = chosen_side()
    return picture(have.client.upload_view(key, side=side, timeout_s=have.query_timeout_s), tag=f"{sha256}-{side}")


@blueprint.get("/view/hunt/<hunt_id>/<int:example_id>")
def example_view(hunt_id: str, example_id: int) -> Response:
    """A picture that a hunt was given as an example, made anew in the same way."""
    have = parts().config
    examples = list_examples(have.ledger, hunt_id)
    key = next((one.picture for one in examples if one.id == example_id), None)
    if key is None:
        raise ApiError(404, "unknown_example", "The hunt has no such picture among its examples.")
    side = chosen_side()
    tag = f"{hunt_id}-{example_id}-{side}"
    return picture(have.client.upload_view(key, side=side, timeout_s=have.query_timeout_s), tag=tag)


@blueprint.get("/samples/<name>")
def sample(name: str) -> Response:
    """A picture to try. These are the installation's own files, so they are sent as they are."""
    found = samples.find(parts().config.samples_dir, name)
    if found is None:
        raise ApiError(404, "unknown_sample", f"No picture to try is named {name}.")
    sent = send_file(found.path, mimetype=found.mime, etag=found.sha256, max_age=3600)
    sent.headers["Cache-Control"] = "private, max-age=3600"
    return sent


def known_image(image_id: int) -> Image:
    image = get_images(parts().config.ledger, [image_id]).get(image_id)
    if image is None or image.deleted:
        raise ApiError(404, "unknown_image", f"There is no image {image_id}.")
    return image


def chosen_side() -> int:
    """Few sizes, so that a browser's cache is of use and nobody asks for a thousand of them."""
    side = request.args.get("side", VIEW_SIDES[0], type=int)
    return side if side in VIEW_SIDES else VIEW_SIDES[0]


def picture(data: bytes, *, tag: str) -> Response:
    """Bytes that this server made, typed by what they are, to be kept by this browser alone.

    For good only under an address with our version: without it, the next installation's picture has the same one.
    """
    mime = next((mime for start, mime in FIRST_BYTES.items() if data.startswith(start)), None)
    if mime is None:
        raise ApiError(500, "damaged", "What is kept of this picture is damaged; `ruiji doctor` tells more.")
    response = make_response(data)
    response.mimetype = mime
    response.set_etag(tag)
    ours = request.args.get("v") == parts().version
    response.headers["Cache-Control"] = f"private, max-age={A_YEAR_S}, immutable" if ours else "private, no-cache"
    response.make_conditional(request)
    return response
