"""Draws the maps that were asked for: one after the other, in a thread that waits for a process of its own."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from catalog import maps
from catalog.all_vectors import all_vectors, count_vectors
from catalog.artifacts import ArtifactStore
from catalog.errors import CatalogError
from catalog.ledger import Ledger
from catalog.maps import MapNotReady, MapProgress, MapSpec, Positions
from catalog.shards import Ids
from encoder.maps.apart import NoMap, draw_map, place_on_map
from worker.context import Context

TOLD_EVERY = 0.02  # of the whole

logger = logging.getLogger("ruiji.maps")


class Maps:
    """The maps that this process draws."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maps", daemon=True)
        self._thread.start()

    def draw(self, map_id: str) -> None:
        """Draw it when those before it are done; returns at once."""
        self._waiting.put(map_id)

    def close(self) -> None:
        """End the drawing that is under way; its state says so."""
        self._stop.set()
        self._waiting.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (map_id := self._waiting.get()) is not None and not self._stop.is_set():
            try:
                draw_known(self._context.ledger, self._context.store, map_id, stop=self._stop)
            except Exception:
                logger.exception("map %s could not be drawn", map_id)


def draw_known(
    ledger: Ledger,
    store: ArtifactStore,
    map_id: str,
    *,
    progress: Callable[[float], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> MapProgress:
    """Draw a map that was asked for and keep it; what became of it, which is kept too. Raises UnknownMap."""
    known = maps.get_map(store, map_id)
    last = replace(known.progress, state="drawing")
    maps.tell(store, map_id, _now(last))

    def share(done: float) -> None:
        nonlocal last
        progress(done)
        if done - last.share >= TOLD_EVERY:
            last = replace(last, share=done)
            maps.tell(store, map_id, _now(last))

    try:
        ids, positions, placed = _points(ledger, store, known.spec, anew=known.progress.anew, progress=share, stop=stop)
        maps.save_points(store, map_id, ids, positions)
        there = count_vectors(ledger, encoder_id=known.spec.encoder_id, wanted=known.spec.wanted)
        last = MapProgress("done", share=1.0, images=len(ids), of=max(there, len(ids)), placed=placed)
    except (NoMap, CatalogError, OSError) as error:
        logger.warning("map %s: %s", map_id, error)
        last = MapProgress("failed", error=str(error))
    maps.tell(store, map_id, last)
    return last


def _points(
    ledger: Ledger,
    store: ArtifactStore,
    spec: MapSpec,
    *,
    anew: bool,
    progress: Callable[[float], None],
    stop: threading.Event | None,
) -> tuple[Ids, Positions, int]:
    """The images, their positions, and how many of them were placed on the map that there was."""
    if spec.dimensions == 2 and not anew:
        try:
            return _placed(ledger, store, spec, progress=progress, stop=stop)
        except MapNotReady:
            pass  # there is none yet, or hardly anything of it is left
    ids, vectors = all_vectors(ledger, store, encoder_id=spec.encoder_id, wanted=spec.wanted, most=spec.most)
    return ids, draw_map(vectors, dimensions=spec.dimensions, progress=progress, stop=stop), 0


def _placed(
    ledger: Ledger,
    store: ArtifactStore,
    spec: MapSpec,
    *,
    progress: Callable[[float], None],
    stop: threading.Event | None,
) -> tuple[Ids, Positions, int]:
    """The map that there is, with the images that came since; MapNotReady when they are more than it has."""
    old_ids, old_positions = maps.load_points(store, spec.id)
    ids, vectors = all_vectors(ledger, store, encoder_id=spec.encoder_id, wanted=spec.wanted)
    there = np.isin(ids, old_ids)
    # Where only some of all were drawn, those that were left out then are not new.
    newer = np.flatnonzero(ids > old_ids.max(initial=0) if len(old_ids) >= spec.most else ~there)
    if len(newer) > there.sum():
        raise MapNotReady
    room = max(0, spec.most - int(there.sum()))
    newer = np.sort(np.random.default_rng(0).permutation(newer)[:room])
    positions = old_positions[np.searchsorted(old_ids, ids[there])]
    placed = place_on_map(vectors[newer], vectors=vectors[there], positions=positions, progress=progress, stop=stop)
    return np.concatenate([ids[there], ids[newer]]), np.concatenate([positions, placed]), len(newer)


def _now(progress: MapProgress) -> MapProgress:
    return MapProgress(progress.state, share=progress.share, anew=progress.anew)
