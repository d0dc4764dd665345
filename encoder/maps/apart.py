"""Draws a map in a process of its own, at low priority: whoever asks waits for no lock and loads no library."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.maps.child import MISSING

LOOK_EVERY_S = 0.2
LEAST = 4  # vectors: fewer have no neighbourhood to speak of
MANY = 2_000  # vectors: with fewer, threads wait for each other longer than they work
NICE = 5  # below searches, above an ingest: a person waits for the map
# What tells libraries how many threads to take is read when they load.
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PATIENT = {"OMP_WAIT_POLICY": "passive"}  # threads that spin would take the cores from searches
PACKAGE_FOLDER = Path(__file__).resolve().parent.parent.parent

Progress = Callable[[float], None]


class NoMap(Exception):
    """The map could not be drawn; the message says why and what to do."""


def draw_map(
    vectors: NDArray[np.float32],
    *,
    dimensions: int,
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Positions (n, dimensions) of unit vectors (n, d), in 2 or 3 dimensions; the same vectors give the same map.

    `progress` gets the share that is done. Raises NoMap, also when `stop` is set meanwhile.
    """
    if dimensions not in (2, 3):
        raise ValueError(f"a map has 2 or 3 dimensions, not {dimensions}")
    if len(vectors) < LEAST:
        raise NoMap(f"a map needs {LEAST} photos or more; there are {len(vectors)}")
    return _run({"vectors": vectors}, dimensions=dimensions, progress=progress, stop=stop, seed=seed)


def place_on_map(
    new: NDArray[np.float32],
    *,
    vectors: NDArray[np.float32],
    positions: NDArray[np.float32],
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Positions (m, 2) of new unit vectors on the 2-D map of others, which stays as it is; errors as in draw_map."""
    if len(vectors) < LEAST:
        raise NoMap(f"the map has {len(vectors)} photos, too few to place others among them; make it anew")
    if not len(new):
        return np.empty((0, 2), np.float32)
    return _run(
        {"vectors": vectors, "new": new, "old": positions}, dimensions=2, progress=progress, stop=stop, seed=seed
    )


def _run(
    arrays: dict[str, NDArray[np.float32]],
    *,
    dimensions: int,
    progress: Progress,
    stop: threading.Event | None,
    seed: int,
) -> NDArray[np.float32]:
    threads = 1 if sum(map(len, arrays.values())) < MANY else os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="ruiji-map-") as name:
        folder = Path(name)
        for key, array in arrays.items():
            np.save(folder / f"{key}.npy", array, allow_pickle=False)
        nice = [] if sys.platform == "win32" else ["nice", "-n", str(NICE)]
        command = [*nice, sys.executable, "-m", "encoder.maps.child", name, str(dimensions), str(threads), str(seed)]
        search = os.pathsep.join(filter(None, (str(PACKAGE_FOLDER), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, **dict.fromkeys(THREAD_SETTINGS, str(threads)), **PATIENT, "PYTHONPATH": search}
        errors = folder / "errors"
        with (
            errors.open("wb") as log,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True) as process,
        ):
            try:
                missing = _listen(process, progress, stop)
            finally:
                process.kill()
        if process.returncode == MISSING:
            raise NoMap(
                f"the package {missing} is not installed: maps need the extra 'maps' (make maps in the source folder,"
                " or pip install 'ruiji[maps]'); then ask again"
            )
        if stop is not None and stop.is_set():
            raise NoMap("the worker was stopped before the map was finished; ask again")
        if process.returncode != 0 or not (folder / "positions.npy").exists():
            raise NoMap(f"drawing the map ended with {_reason(process.returncode, errors)}")
        positions: NDArray[np.float32] = np.load(folder / "positions.npy", allow_pickle=False)
    if not np.isfinite(positions).all():
        raise NoMap("the vectors gave a map without numbers; `ruiji doctor` tells whether shards are damaged")
    return positions


def _listen(process: subprocess.Popen[str], progress: Progress, stop: threading.Event | None) -> str:
    """Pass on what the child tells until it ends; the name of a package that is missing, else nothing.

    Its lines are read in a thread: it may be silent for long, and is to be stopped at once all the same.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, name="map lines", daemon=True)
    reader.start()
    missing = ""
    while True:
        try:
            line = lines.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            line = "{}"
        if stop is not None and stop.is_set():
            process.kill()
        if line is None:
            break
        said = json.loads(line)
        if "share" in said:
            progress(float(said["share"]))
        missing = said.get("missing") or missing
    reader.join()
    process.wait()
    return missing


def _reason(code: int, errors: Path) -> str:
    if code == -9:
        return "no memory left; take fewer photos"
    lines = errors.read_text(errors="replace").strip().splitlines()
    return f"code {code}: {lines[-1] if lines else 'no reason given'}"
