"""Hugging Face's imagefolder: photos and a metadata.jsonl, opened with load_dataset("imagefolder", data_dir=...).

`labels` are all of a photo's; `label` is its only one, null where it has several or none.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any

from curate.exports.names import file_name, shown_path
from curate.exports.order import Exported, Order
from curate.exports.tree import Tree

PER_FOLDER = 1000  # a folder of a million files is slow everywhere


def mark(order: Order) -> dict[str, Any]:
    """What the export says of itself."""
    return {"format": "huggingface"}


def write(order: Order, tree: Tree, done: Exported) -> Iterator[None]:
    """Write the tree, an image at each step; ExportRefused, OSError. The metadata come last."""
    with tempfile.TemporaryFile(dir=order.scratch) as metadata:
        for page in order.pages:
            for image in page:
                original = image.files[0].path if image.files else b""
                name = f"{done.images // PER_FOLDER:05d}/{file_name(original, image.id, image.format)}"
                if tree.photo(image, f"train/{name}"):
                    line = {
                        "file_name": name,
                        "label": image.labels[0] if len(image.labels) == 1 else None,
                        "labels": image.labels,
                        "rejected": image.rejected,
                        "image_id": image.id,
                        "sha256": image.sha256,
                        "path": shown_path(original),
                    }
                    metadata.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                    done.wrote(image, len(image.labels))
                else:
                    done.misses(image)
                yield
            order.progress(len(page))
        yield from tree.text(metadata, "train/metadata.jsonl")
