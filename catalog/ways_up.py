"""The eight ways up of a query: turned by quarters and mirrored. The one whose neighbours are nearest is searched by.

An encoder learns that most pictures stand upright, and places one that lies on its side among whatever is flat. The
right way up tells itself: its nearest images are nearer than those of the others. `ruiji bench orientation` measures
it beside the mean of all eight and the best score of any, which win back less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from catalog.index_errors import CollectionMissing

if TYPE_CHECKING:
    from catalog.index import VectorIndex  # loads pymilvus, which a query worker does without

NEAREST: Final = 5  # whose mean score decides; with 1, 10 or 20 less is won back
COPY: Final = 0.995  # a score that only the same photo reaches: it tells more than the mean of five
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class WayUp:
    """How a query was turned before it was searched by: `degrees` anticlockwise, then mirrored left to right."""

    degrees: int
    mirrored: bool


WAYS: Final = tuple(WayUp(degrees, mirrored) for mirrored in (False, True) for degrees in (0, 90, 180, 270))


def ways_up(pixels: Pixels) -> Pixels:
    """Return the picture (s, s, 3) in each of WAYS, (8, s, s, 3); the first is as it came."""
    return np.stack([turned(pixels, way) for way in WAYS])


def turned(pixels: npt.NDArray[Any], way: WayUp) -> npt.NDArray[Any]:
    """Turn a picture (h, w, …)."""
    found = np.rot90(pixels, way.degrees // 90)
    return found[:, ::-1] if way.mirrored else found


def nearest_way(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """From the best scores of each way's neighbours (…, 8, n), which way's are nearest (…); a copy comes first."""
    best = scores.max(axis=-1)
    chosen = np.where(best.max(axis=-1) >= COPY, best.argmax(axis=-1), scores.mean(axis=-1).argmax(axis=-1))
    return np.asarray(chosen, dtype=np.int64)


def find_way(index: VectorIndex, collection: str, vectors: npt.NDArray[np.float32]) -> int:
    """Which of the query's vectors (8, d) to search by: the place in WAYS. Errors as in `VectorIndex.search`.

    As it came where nothing has been indexed yet.
    """
    try:
        found = index.search(collection, vectors, limit=NEAREST)
    except CollectionMissing:
        return 0
    least = min(len(hits.scores) for hits in found)
    return int(nearest_way(np.stack([hits.scores[:least] for hits in found]))) if least else 0
