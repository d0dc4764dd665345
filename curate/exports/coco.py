"""COCO: an object-detection file whose every box is the whole photo, since labels here are about whole photos."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from curate.exports.names import shown_path
from curate.exports.order import Exported, Order
from curate.exports.sink import as_text

BLOCK = 1 << 20


def write(order: Order, sink: BinaryIO, done: Exported) -> Iterator[None]:
    """Write the file, a page of images at each step; OSError. Annotations, which come last, wait in a file."""
    number = {label.name: index for index, label in enumerate(order.labels, start=1)}
    categories = [
        {"id": number[label.name], "name": label.name, "supercategory": label.group or ""} for label in order.labels
    ]
    with (
        as_text(sink) as text,
        tempfile.TemporaryFile("w+", encoding="utf-8", dir=order.scratch) as annotations,
    ):
        text.write(f'{{"info": {json.dumps({"description": "Labels of whole photos, exported by Ruiji"})},\n')
        text.write(f'"licenses": [],\n"categories": {json.dumps(categories)},\n"images": [')
        for page in order.pages:
            for image in page:
                width, height = image.width, image.height
                shown = {
                    "id": image.id,
                    "file_name": shown_path(image.files[0].path) if image.files else "",
                    "width": width,
                    "height": height,
                    "sha256": image.sha256,
                }
                text.write(f"{',' if done.images else ''}\n{json.dumps(shown)}")
                for index, label in enumerate(image.labels):
                    one = {
                        "id": done.labels + index + 1,
                        "image_id": image.id,
                        "category_id": number[label],
                        "bbox": [0, 0, width, height],
                        "segmentation": [[0, 0, width, 0, width, height, 0, height]],
                        "area": width * height,
                        "iscrowd": 0,
                    }
                    annotations.write(f"{',' if done.labels + index else ''}\n{json.dumps(one)}")
                done.wrote(image, len(image.labels))
            order.progress(len(page))
            yield
        text.write('\n],\n"annotations": [')
        annotations.seek(0)
        while block := annotations.read(BLOCK):
            text.write(block)
            yield
        text.write("\n]}\n")
