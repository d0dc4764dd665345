"""Hugging Face's imagefolder: photos and a metadata.jsonl, opened with load_dataset("imagefolder", data_dir=...).

`labels` are all of a photo's; `label` is its only one, null where it has several or none.
"""

from __future__ import annotations

import json

from curate.exports.names import file_name, shown_path
from curate.exports.order import Exported, Order
from curate.exports.photos import place_photo
from curate.exports.target import new_folder

PER_FOLDER = 1000  # a folder of a million files is slow everywhere


def write(order: Order) -> Exported:
    """Write the folder; ExportRefused, OSError."""
    done = Exported()
    with new_folder(order.target, overwrite=order.overwrite, mark={"format": "huggingface"}) as target:
        split = target / "train"
        split.mkdir()
        with (split / "metadata.jsonl").open("w", encoding="utf-8") as metadata:
            number = 0
            for page in order.pages:
                for image in page:
                    original = image.files[0].path if image.files else b""
                    folder = f"{number // PER_FOLDER:05d}"
                    (split / folder).mkdir(exist_ok=True)
                    name = f"{folder}/{file_name(original, image.id, image.format)}"
                    if not place_photo(image, split / name, mode=order.photos):
                        done.misses(image)
                        continue
                    number += 1
                    line = {
                        "file_name": name,
                        "label": image.labels[0] if len(image.labels) == 1 else None,
                        "labels": image.labels,
                        "rejected": image.rejected,
                        "image_id": image.id,
                        "sha256": image.sha256,
                        "path": shown_path(original),
                    }
                    metadata.write(json.dumps(line, ensure_ascii=False) + "\n")
                    done.wrote(image, len(image.labels))
                order.progress(len(page))
    return done
