"""Maps: asked for, drawn by a worker, shown as points, and what lies at chosen points."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import Response, jsonify

from catalog import maps
from catalog.encoders import get_encoder, serving_encoder
from catalog.errors import UnknownEncoder
from catalog.labels import list_labels
from catalog.ledger import Ledger
from catalog.maps import KnownMap, MapSpec
from curate.mapped import look_at, mapped
from webui.config import Parts, parts
from webui.errors import ApiError, no_encoder
from webui.labels_by_name import find_label_id

from .answers_maps import Map, Maps, Points, Shown
from .blueprint import api, described
from .reading import read_json
from .requests_maps import Chosen, NewMap
from .search import result


@api.get("/maps")
@described("maps", answer=Maps)
def list_maps() -> Response:
    """List the maps, the one that was drawn last first."""
    have = parts()
    return jsonify(maps=[shown(have, one) for one in maps.list_maps(have.config.store)])


@api.post("/maps")
@described("maps", json=NewMap, answer=Map, status=202, refusals=(400, 404, 503, 507))
def new_map() -> tuple[Response, int]:
    """Have a map drawn; asked for again, images that came since are placed on it."""
    asked = read_json(NewMap)
    have = parts()
    spec = chosen_spec(have.config.ledger, asked)
    known = maps.ask(have.config.store, spec, anew=asked.anew)
    have.config.client.draw_map(spec.id)
    return jsonify(shown(have, known)), 202


@api.get("/maps/<map_id>")
@described("maps", answer=Map, refusals=(404,))
def one_map(map_id: str) -> Response:
    """Tell how far a map is."""
    have = parts()
    return jsonify(shown(have, maps.get_map(have.config.store, map_id)))


@api.delete("/maps/<map_id>")
@described("maps", status=204, refusals=(400, 404))
def forget_map(map_id: str) -> tuple[str, int]:
    """Forget a map; the images stay."""
    maps.delete_map(parts().config.store, map_id)
    return "", 204


@api.get("/maps/<map_id>/points")
@described("maps", answer=Points, refusals=(404, 409))
def points(map_id: str) -> Response:
    """Give where each image lies, and the labels that it has now."""
    have = parts().config
    maps.get_map(have.store, map_id)
    found = mapped(have.ledger, have.store, map_id)
    columns = np.round(found.positions.astype(np.float64), 4).T.tolist() if len(found.ids) else [[], [], []]
    return jsonify(
        id=map_id,
        image_ids=found.ids.tolist(),
        x=columns[0],
        y=columns[1],
        z=columns[2] if found.positions.shape[1] == 3 else None,
        of=found.of,
        labels=[{"name": one.name, "colour": one.colour, "group": one.group} for one in found.labels],
    )


@api.post("/maps/<map_id>/images")
@described("maps", json=Chosen, answer=Shown, refusals=(400, 404))
def chosen(map_id: str) -> Response:
    """Show images of a map, as a search would: those most like the middle of all first."""
    asked = read_json(Chosen)
    have = parts()
    known = maps.get_map(have.config.store, map_id)
    ids = np.array(asked.image_ids, dtype=np.int64)
    hits = look_at(have.config.ledger, have.config.store, ids, encoder_id=known.spec.encoder_id)
    return jsonify(encoder=known.spec.encoder_id, results=[result(hit, None, have.version) for hit in hits])


def chosen_spec(ledger: Ledger, asked: NewMap) -> MapSpec:
    encoder = get_encoder(ledger, asked.encoder) if asked.encoder else serving_encoder(ledger)
    if encoder is None:
        raise no_encoder()
    label_ids = []
    for name in asked.label:
        if (label_id := find_label_id(ledger, name)) is None:
            raise ApiError(404, "unknown_label", f"There is no label {name}.")
        label_ids.append(label_id)
    return MapSpec(
        encoder_id=encoder.id,
        dimensions=asked.dimensions,
        label_ids=tuple(sorted(set(label_ids))),
        source_ids=tuple(sorted(set(asked.source))),
        most=asked.most,
    )


def shown(have: Parts, one: KnownMap) -> dict[str, Any]:
    spec, progress = one.spec, one.progress
    try:
        name = get_encoder(have.config.ledger, spec.encoder_id).name
    except UnknownEncoder:
        name = spec.encoder_id[:12]
    names = label_names(have.config.ledger) if spec.label_ids else {}
    return {
        "id": spec.id,
        "encoder": spec.encoder_id,
        "encoder_name": name,
        "dimensions": spec.dimensions,
        "labels": [names[label_id] for label_id in spec.label_ids if label_id in names],
        "sources": list(spec.source_ids),
        "most": spec.most,
        "state": progress.state,
        "share": progress.share,
        "silent": progress.silent,
        "ready": maps.has_points(have.config.store, spec.id),
        "error": progress.error,
        "images": progress.images,
        "of": progress.of or progress.images,
        "placed": progress.placed,
        "at": progress.at,
    }


def label_names(ledger: Ledger) -> dict[int, str]:
    return {row.label.id: row.label.name for row in list_labels(ledger)}
