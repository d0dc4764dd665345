"""`ruiji search`: the nearest pictures to a file."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.artifacts import ArtifactStore
from catalog.encoders import get_encoder
from catalog.hits import Hit
from catalog.index import VectorIndex
from catalog.search import search_images
from catalog.search_filter import SearchFilter
from catalog.ways_up import find_way
from deploy.shell.installed import known_ledger
from settings import Settings
from worker.client import Client


def run(settings: Settings, picture: Path, *, k: int, any_way_up: bool, as_json: bool) -> int:
    """Embed the picture in the query worker, search, and print score, path and labels."""
    data = picture.read_bytes()
    ledger = known_ledger(settings)
    digest = hashlib.sha256(data).hexdigest()
    key = f"uploads/{digest}"
    ArtifactStore(settings.resolved_artifacts_url()).put(key, data)
    client = Client(settings.resolved_broker_url())
    embedded = client.embed_query(key=key, timeout_s=settings.query_timeout_s, any_way_up=any_way_up)
    index = VectorIndex(settings.resolved_index_url(), token=settings.index_token, options=settings.index_options())
    encoder = get_encoder(ledger, embedded.encoder_id)
    way = find_way(index, encoder.collection, embedded.vectors) if any_way_up else 0
    answer = search_images(
        ledger,
        index,
        encoder=encoder,
        vectors=embedded.vectors[way][None, :],
        k=k,
        filter=SearchFilter(),
        query_sha256=digest,
    )
    if as_json:
        print(json.dumps({"encoder": answer.encoder_id, "results": [_values(hit) for hit in answer.hits]}))
        return 0
    table = Table("score", "label", "path", box=None)
    for hit in answer.hits:
        note = " (the picture itself)" if hit.own_copy else ""
        table.add_row(f"{hit.score:.3f}", Text(", ".join(_labels(hit))), Text(_path(hit) + note))
    Console().print(table) if answer.hits else print("nothing is searchable yet; add pictures with: ruiji ingest")
    return 0


def _labels(hit: Hit) -> list[str]:
    return [label.name for label in hit.labels if label.state == "yes"]


def _path(hit: Hit) -> str:
    if hit.place is None:
        return "(no file known any more)"
    path = os.fsdecode(b"/".join((hit.place.root.rstrip(b"/"), hit.place.path)))
    return path if path.isprintable() else ascii(path)


def _values(hit: Hit) -> dict[str, object]:
    return {
        "image_id": hit.image_id,
        "score": round(float(hit.score), 6),
        "own_copy": hit.own_copy,
        "labels": _labels(hit),
        "path": _path(hit),
    }
