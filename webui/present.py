"""What the catalog knows, as plain values for a page or a JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from catalog.batch_images import Said
from catalog.encoders import Encoder
from catalog.hunt_examples import Example
from catalog.hunts import HuntCount
from catalog.images import Counts, Image, PlaceOf
from catalog.jobs import JobProgress
from catalog.label_conflicts import Conflict, Disagreement
from catalog.label_groups import LabelGroup
from catalog.labels import Batch, BatchResult, Label, LabelCount, LabelState
from catalog.sources import SourceCount
from catalog.unreadable import Unreadable
from catalog.workers import WorkerRow
from curate.estimate import Estimate

from .config import parts
from .samples import OfferedPicture

NEARLY_ALL = 0.9  # share of a label that is found, at the least: time to stop


def shown_path(root: bytes, path: bytes = b"") -> str:
    """A path as text that any JSON reader and page can hold; bytes that are not UTF-8 show as the replacement sign."""
    whole = root.rstrip(b"/") + b"/" + path if path else root
    return whole.decode("utf-8", "replace")


def thumbnail_url(image_id: int, version: str | None = None) -> str:
    """Where the thumbnail is. The version keeps a browser from showing one cached from another installation."""
    return f"/thumbnail/{image_id}?v={version or parts().version}"


def label(row: LabelCount) -> dict[str, Any]:
    return {
        "id": row.label.id,
        "name": row.label.name,
        "colour": row.label.colour,
        "group": row.label.group,
        "exclusive": row.label.exclusive,
        "yes": row.yes,
        "no": row.no,
    }


def group(row: LabelGroup) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "exclusive": row.exclusive, "labels": list(row.labels)}


def label_on(state: LabelState) -> dict[str, Any]:
    return {
        "id": state.label_id,
        "name": state.name,
        "colour": state.colour,
        "state": state.state,
        "origin": state.origin,
    }


def batch(row: Batch, against: Disagreement) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "author": row.author,
        "size": row.size,
        "at": row.at,
        "undoes": row.undoes,
        "undone": row.undone_by is not None,
        "labels": list(dict.fromkeys(part.label for part in row.parts)),
        "parts": [
            {"label": part.label, "colour": part.colour, "decision": part.decision, "images": part.images}
            for part in row.parts
        ],
        "over": [one._asdict() for one in against.over],
        "by": [one._asdict() for one in against.by],
    }


def batch_result(result: BatchResult) -> dict[str, Any]:
    return {
        "batch": result.batch_id,
        "applied": result.applied,
        "unchanged": result.unchanged,
        "images": result.images,
        "repeated": result.repeated,
    }


def said(row: Said) -> dict[str, Any]:
    return {**row._asdict(), "thumbnail": thumbnail_url(row.image_id)}


def conflict(row: Conflict) -> dict[str, Any]:
    return {**asdict(row), "thumbnail": thumbnail_url(row.image_id)}


def hunt(row: HuntCount, label: Label, examples: Iterable[Example]) -> dict[str, Any]:
    one = row.hunt
    return {
        "id": one.id,
        "label": {"id": label.id, "name": label.name, "colour": label.colour},
        "name": one.name,
        "author": one.author,
        "version": one.version,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "finished_at": one.finished_at,
        "found": row.found,
        "rejected": row.rejected,
        "examples": [
            {
                "id": example.id,
                "sign": example.sign,
                "kind": example.kind,
                "image_id": example.image_id,
                "upload": example.sha256,
                "there": example.there,
                "thumbnail": _example_url(one.id, example),
            }
            for example in examples
        ],
    }


def estimate(made: Estimate) -> dict[str, Any]:
    least, likely, most = made.recall
    if not made.tells:
        advice, text = "cannot_tell", made.reason
    else:
        advice = "nearly_all" if least >= NEARLY_ALL else "go_on"
        shares = f"{likely:.0%} ({least:.0%} to {most:.0%})".replace("%", " %")
        text = f"Found about {shares}; about {made.remaining:,} remain ({made.low:,} to {made.high:,})."
    return {
        "remaining": made.remaining,
        "low": made.low,
        "high": made.high,
        "recall": round(likely, 4),
        "recall_low": round(least, 4),
        "recall_high": round(most, 4),
        "advice": advice,
        "text": text,
    }


def _example_url(hunt_id: str, example: Example) -> str | None:
    if example.image_id is None:
        return f"/view/hunt/{hunt_id}/{example.id}?side=320&v={parts().version}"
    return thumbnail_url(example.image_id) if example.there else None


def source(row: SourceCount) -> dict[str, Any]:
    return {
        "id": row.source.id,
        "name": row.source.name,
        "root": shown_path(row.source.root),
        "labels_from_folders": row.source.labels_from_folders,
        "images": row.images,
    }


def image(row: Image, *, places: list[PlaceOf], labels: list[LabelState]) -> dict[str, Any]:
    return {
        "id": row.id,
        "sha256": row.sha256,
        "width": row.width,
        "height": row.height,
        "bytes": row.bytes,
        "format": row.format,
        "thumbnail": thumbnail_url(row.id),
        "view": f"/view/{row.id}?v={parts().version}",
        "places": [
            {"source_id": place.source_id, "source": place.source_name, "path": shown_path(place.root, place.path)}
            for place in places
        ],
        "labels": [label_on(state) for state in labels],
    }


def job(row: JobProgress) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "source_id": row.source_id,
        "source": row.source_name,
        "encoder": row.encoder_id,
        "scanned": row.scanned,
        "total": row.total,
        "done": row.done,
        "embedded": row.embedded,
        "known": row.known,
        "bad": row.bad,
        "indexed": row.indexed,
        "searchable": row.searchable,
        "images_per_s": round(row.images_per_s, 2),
        "seconds_left": None if row.seconds_left is None else round(row.seconds_left, 1),
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "error": row.error,
    }


def encoder(row: Encoder, *, serving_id: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "dimension": row.dimension,
        "input_size": row.input_size,
        "serving": row.id == serving_id,
        "metrics": dict(row.metrics),
        "created_at": row.created_at,
    }


def counts(row: Counts) -> dict[str, int]:
    return {"images": row.images, "labelled": row.labelled, "unlabelled": row.unlabelled, "bad": row.bad}


def worker(row: WorkerRow, unreadable: Iterable[Unreadable]) -> dict[str, Any]:
    return {
        "name": row.name,
        "queues": row.queues.split(","),
        "host": row.host,
        "pid": row.pid,
        "device": row.device,
        "doing": row.doing,
        "images": row.images,
        "unreadable": [
            {"source_id": one.source_id, "source": one.source, "reason": one.reason, "since": one.since}
            for one in unreadable
            if one.worker == row.name
        ],
        "heartbeat_at": row.heartbeat_at,
    }


def sample(picture: OfferedPicture) -> dict[str, str]:
    url = f"/samples/{quote(picture.name, safe='')}?v={picture.sha256[:8]}"
    return {"name": picture.name, "url": url, "sha256": picture.sha256}
