"""What the images of a label are compared with: rejected ones, other labels' images, and a random few."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.embedded import locate, random_embedded
from catalog.label_overlap import overlaps, rejected_images
from catalog.labels import labelled_images
from catalog.ledger import Ledger
from catalog.shards import vectors_of
from curate.paging import Ids
from curate.ranker import Vectors
from curate.suspects import NONE_KNOWN, Others

OTHERS = 4000  # with 500 a tenth less is found, with 9,000 no more
OF_LABELS = 3000  # of them with another label, evenly
REJECTED = 1000
MOST_RIVALS = 50  # labels with a column of their own: the largest
OVERLAP = 0.1  # labels that share this part of the smaller one go together; no image is wrong for looking like both


def rival_labels(sizes: Mapping[int, tuple[int, int]], own: int) -> list[int]:
    """Labels that seem to exclude a label of `own` images; sizes: label -> (images of both, images of it)."""
    apart = [one for one, (both, size) in sizes.items() if size and both <= OVERLAP * min(size, own)]
    return sorted(apart, key=lambda one: -sizes[one][1])[:MOST_RIVALS]


def read_others(ledger: Ledger, store: ArtifactStore, members: Ids, *, encoder_id: str, label_id: int) -> Others:
    """Images that are not the label, which has the images `members`, as vectors of this encoder; the same ones again.

    Raises ArtifactMissing, ShardDamaged.
    """
    sizes = overlaps(ledger, label_id)
    rivals = set(rival_labels(sizes, len(members)))
    label_of: dict[int, int] = {}
    for image_id, other in labelled_images(ledger, limit_per_label=max(20, OF_LABELS // max(1, len(sizes)))):
        if other != label_id and (other in rivals or image_id not in label_of):
            label_of[image_id] = other if other in rivals else NONE_KNOWN
    for image_id in rejected_images(ledger, label_id, limit=REJECTED):
        label_of.setdefault(image_id, NONE_KNOWN)
    missing = max(OTHERS - OF_LABELS, OTHERS - len(label_of))
    for image_id in random_embedded(ledger, encoder_id, count=missing, random=seeded(encoder_id, label_id)):
        label_of.setdefault(image_id, NONE_KNOWN)
    outside = np.setdiff1d(np.fromiter(label_of, np.int64, len(label_of)), members)
    ids, vectors = read_vectors(ledger, store, outside, encoder_id=encoder_id)
    return Others(vectors, np.array([label_of[one] for one in ids.tolist()], np.int64))


def seeded(encoder_id: str, *label_ids: int) -> np.random.Generator:
    """Random numbers that are the same ones whenever the same labels are judged by the same encoder."""
    return np.random.default_rng([int.from_bytes(encoder_id.encode()[:8]), *label_ids])


def read_vectors(ledger: Ledger, store: ArtifactStore, images: Ids, *, encoder_id: str) -> tuple[Ids, Vectors]:
    """Those of the images that the encoder has embedded, ids (n,) ascending, and their vectors (n, d).

    Raises ArtifactMissing, ShardDamaged.
    """
    found = vectors_of(store, locate(ledger, encoder_id=encoder_id, image_ids=images.tolist()))
    ids = np.array(sorted(found), np.int64)
    if not len(ids):
        return ids, np.empty((0, 0), np.float32)
    return ids, np.stack([found[one] for one in ids.tolist()])
