"""Label Studio: a JSON list of tasks, each with its choices, for a project over the same local files.

Photos are named as /data/local-files/?d=..., from the root of the disk: Label Studio shows them when it is started with
LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=/, and its project has
<View><Image name="image" value="$image"/><Choices name="label" toName="image" choice="multiple">...</Choices></View>.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from catalog.storage.address import is_object
from curate.exports.order import Exported, Order
from curate.exports.sink import as_text


def write(order: Order, sink: BinaryIO, done: Exported) -> Iterator[None]:
    """Write the file, a page of images at each step; OSError. An image without a file has no task."""
    with as_text(sink) as text:
        text.write("[")
        for page in order.pages:
            for image in page:
                if not image.files:
                    done.misses(image)
                    continue
                choice = {
                    "from_name": "label",
                    "to_name": "image",
                    "type": "choices",
                    "value": {"choices": image.labels},
                }
                task = {
                    "data": {
                        "image": _address(image.files[0].path),
                        "image_id": image.id,
                        "sha256": image.sha256,
                        "rejected": image.rejected,
                    },
                    "annotations": [{"result": [choice] if image.labels else []}],
                }
                text.write(f"{',' if done.images else ''}\n{json.dumps(task, ensure_ascii=False)}")
                done.wrote(image, len(image.labels))
            order.progress(len(page))
            yield
        text.write("\n]\n")


def _address(path: bytes) -> str:
    """Label Studio reads s3://bucket/key itself, from a cloud storage of its project."""
    return os.fsdecode(path) if is_object(path) else f"/data/local-files/?d={quote(path.lstrip(b'/'))}"
