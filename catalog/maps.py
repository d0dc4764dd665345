"""Maps that were asked for: of which images, how far each is, and where its points lie; kept in the artifact store.

A map is drawn from the shards again at any time, so nothing of it is in the ledger.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalog.artifacts import ArtifactMissing, ArtifactStore, InvalidKey
from catalog.errors import CatalogError
from catalog.search_filter import SearchFilter
from catalog.shards import Ids

FOLDER = "maps"
SILENT_S = 90.0  # a drawing tells how far it is every few seconds; on a very busy machine every half minute
MOST = 50_000
State = Literal["waiting", "drawing", "done", "failed"]
Positions = NDArray[np.float32]


class UnknownMap(CatalogError):
    """No map has this id."""

    def __init__(self, map_id: str) -> None:
        super().__init__(f"There is no map {map_id[:80]!r}: it was deleted, or never asked for.")


class MapNotReady(CatalogError):
    """The map has no points yet."""

    def __init__(self) -> None:
        super().__init__("The map is not drawn yet: wait until it is done.")


@dataclass(frozen=True)
class MapSpec:
    """Which images are drawn and how: at most `most`, of any of the labels and sources; the same gives the same map."""

    encoder_id: str
    dimensions: int
    label_ids: tuple[int, ...] = ()
    source_ids: tuple[int, ...] = ()
    most: int = 10_000

    @property
    def id(self) -> str:
        """Made of all that it says."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def wanted(self) -> SearchFilter:
        """As conditions on the images."""
        return SearchFilter(label_ids=self.label_ids, source_ids=self.source_ids)


@dataclass(frozen=True)
class MapProgress:
    """`share` of the drawing that is done, 0 to 1; `error` says why it failed; `at` in seconds since 1970."""

    state: State
    share: float = 0.0
    error: str | None = None
    anew: bool = False  # not placed among the points that there were
    images: int = 0
    of: int = 0  # that there were to choose from; 0 of a map that was drawn before this was noted
    placed: int = 0  # of them on a map that was there before
    at: float = field(default_factory=time.time)

    @property
    def silent(self) -> bool:
        """Whether nobody seems to work on it any more. Told from the future, it was before the clock was set back."""
        return self.state in ("waiting", "drawing") and abs(time.time() - self.at) > SILENT_S


@dataclass(frozen=True)
class KnownMap:
    """A map and how far it is."""

    spec: MapSpec
    progress: MapProgress


def ask(store: ArtifactStore, spec: MapSpec, *, anew: bool = False) -> KnownMap:
    """Note that a map is wanted; the points that it has stay until it is drawn."""
    store.put(_key(spec.id, "spec.json"), json.dumps(asdict(spec)).encode())
    waiting = MapProgress("waiting", anew=anew)
    tell(store, spec.id, waiting)
    return KnownMap(spec, waiting)


def tell(store: ArtifactStore, map_id: str, progress: MapProgress) -> None:
    """Say how far it is."""
    store.put(_key(map_id, "progress.json"), json.dumps(asdict(progress)).encode(), durable=progress.state == "done")


def get_map(store: ArtifactStore, map_id: str) -> KnownMap:
    """A map by its id; UnknownMap, also where what is kept of it is damaged."""
    try:
        spec = json.loads(store.get(_key(map_id, "spec.json")))
        progress = json.loads(store.get(_key(map_id, "progress.json")))
        lists = {name: tuple(spec[name]) for name in ("label_ids", "source_ids")}
        return KnownMap(MapSpec(**{**spec, **lists}), MapProgress(**progress))
    except (ArtifactMissing, InvalidKey, ValueError, TypeError, KeyError) as error:
        raise UnknownMap(map_id) from error


def list_maps(store: ArtifactStore) -> list[KnownMap]:
    """Every map, the one that was drawn last first."""
    found = []
    for key in store.list(FOLDER):
        _, map_id, name = key.split("/")
        if name == "spec.json":
            try:
                found.append(get_map(store, map_id))
            except UnknownMap:
                continue  # deleted meanwhile
    return sorted(found, key=lambda one: -one.progress.at)


def save_points(store: ArtifactStore, map_id: str, ids: Ids, positions: Positions) -> None:
    """Keep the images (n,) and their positions (n, 2 or 3)."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, ids=ids, positions=positions.astype(np.float32))
    store.put(_key(map_id, "points.npz"), buffer.getvalue())


def load_points(store: ArtifactStore, map_id: str) -> tuple[Ids, Positions]:
    """The images (n,) and their positions (n, 2 or 3); MapNotReady."""
    try:
        with np.load(io.BytesIO(store.get(_key(map_id, "points.npz"))), allow_pickle=False) as arrays:
            return arrays["ids"], arrays["positions"]
    except (ArtifactMissing, zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise MapNotReady from error


def has_points(store: ArtifactStore, map_id: str) -> bool:
    """Whether there is something to show."""
    return store.exists(_key(map_id, "points.npz"))


def delete_map(store: ArtifactStore, map_id: str) -> None:
    """Forget a map; UnknownMap when there is none."""
    get_map(store, map_id)
    for name in ("spec.json", "points.npz", "progress.json"):
        store.delete(_key(map_id, name))


def _key(map_id: str, name: str) -> str:
    return f"{FOLDER}/{map_id}/{name}"
