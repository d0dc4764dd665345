"""ImageFolder: a folder for each label with its photos, as torchvision and many others read it.

A photo with two labels lies in both folders. torchvision's ImageFolder passes over GIF files.
"""

from __future__ import annotations

from curate.exports.names import file_name, folder_names
from curate.exports.order import Exported, Order
from curate.exports.photos import place_photo
from curate.exports.target import new_folder


def write(order: Order) -> Exported:
    """Write the folder; ExportRefused, OSError."""
    done = Exported()
    folders = folder_names(label.name for label in order.labels)
    mark = {"format": "imagefolder", "folders": {folder: label for label, folder in folders.items()}}
    with new_folder(order.target, overwrite=order.overwrite, mark=mark) as target:
        for page in order.pages:
            for image in page:
                name = file_name(image.files[0].path if image.files else b"", image.id, image.format)
                placed = 0
                for label in image.labels:
                    folder = target / folders[label]
                    folder.mkdir(exist_ok=True)
                    placed += place_photo(image, folder / name, mode=order.photos)
                done.wrote(image, placed) if placed else done.misses(image)
            order.progress(len(page))
    return done
