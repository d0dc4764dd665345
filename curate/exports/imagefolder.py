"""ImageFolder: a folder for each label with its photos, as torchvision and many others read it.

A photo with two labels lies in both folders. torchvision's ImageFolder passes over GIF files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.exports.names import file_name, folder_names
from curate.exports.order import Exported, Order
from curate.exports.tree import Tree


def mark(order: Order) -> dict[str, Any]:
    """What the export says of itself: which folder is which label."""
    folders = folder_names(label.name for label in order.labels)
    return {"format": "imagefolder", "folders": {folder: label for label, folder in folders.items()}}


def write(order: Order, tree: Tree, done: Exported) -> Iterator[None]:
    """Write the tree, an image at each step; ExportRefused, OSError."""
    folders = folder_names(label.name for label in order.labels)
    for page in order.pages:
        for image in page:
            name = file_name(image.files[0].path if image.files else b"", image.id, image.format)
            placed = sum(tree.photo(image, f"{folders[label]}/{name}") for label in image.labels)
            done.wrote(image, placed) if placed else done.misses(image)
            yield
        order.progress(len(page))
