"""What people have said of each file, where it is one thing: what a training's encoder is measured with."""

from __future__ import annotations

from catalog.images import get_images
from catalog.label_pairs import label_pairs
from catalog.labels import list_labels
from catalog.ledger import Ledger


def single_labels(ledger: Ledger) -> dict[str, str]:
    """SHA-256 of a file -> the name of its label, for images that have exactly one."""
    names = {row.label.id: row.label.name for row in list_labels(ledger)}
    images, labels = label_pairs(ledger)
    of_image: dict[int, str] = {}
    several: set[int] = set()
    for image, label in zip(images.tolist(), labels.tolist(), strict=True):
        if image in of_image:
            several.add(image)
        of_image[image] = names[label]
    single = [image for image in of_image if image not in several]
    return {found.sha256: of_image[number] for number, found in get_images(ledger, single).items()}
