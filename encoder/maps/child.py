"""The process that draws a map: vectors from a file, positions into a file, one line of JSON for each step.

`python -m encoder.maps.child FOLDER DIMENSIONS THREADS SEED`; FOLDER holds `vectors.npy` (n, d), and for new vectors
to be placed on a map `new.npy` (m, d) and `old.npy` (n, 2). The positions go to `positions.npy`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

MISSING = 3  # exit code: the packages that draw are not installed


def main(folder: Path, *, dimensions: int, threads: int, seed: int) -> int:
    """Draw; 0, or MISSING."""
    out = sys.stdout

    def progress(share: float) -> None:
        print(json.dumps({"share": round(min(1.0, share), 4)}), file=out, flush=True)

    try:
        from encoder.maps import flat, space
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), file=out, flush=True)
        return MISSING
    vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    progress(0.01)
    if (folder / "new.npy").exists():
        new, old = (np.load(folder / name, allow_pickle=False) for name in ("new.npy", "old.npy"))
        positions = flat.place(new, vectors=vectors, positions=old, threads=threads, seed=seed, progress=progress)
    else:
        draw = flat.draw if dimensions == 2 else space.draw
        positions = draw(vectors, threads=threads, seed=seed, progress=progress)
    np.save(folder / "positions.npy", positions, allow_pickle=False)
    progress(1.0)
    return 0


if __name__ == "__main__":
    where, *numbers = sys.argv[1:]
    dimensions_, threads_, seed_ = map(int, numbers)
    code = main(Path(where), dimensions=dimensions_, threads=threads_, seed=seed_)
    sys.stdout.flush()
    os._exit(code)  # the threads of several libraries take a second to be wound up, for nothing
