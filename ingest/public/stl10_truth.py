"""What STL-10's 100,000 unlabelled photos show, by a person's labels: a file that comes apart from the photos.

`labels.json` maps a photo's number, from 0, to a code such as `ai3`; `legend.json` beside it names the codes by
category and kind.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.public.download import DataError

LEGEND = "legend.json"
# The category 'airplane' also holds what flies and is no plane: only these kinds are planes.
PLANES = frozenset({"ai0", "ai1", "ai2", "ai3", "ai4"})
AIRCRAFT, PLANE = "airplane", "airplane"
NO_KIND = "outlier"  # restaurants, people, pictures of several things
VEHICLES = frozenset(
    {
        PLANE, "helicopter", "hot air balloon", "zeppelin", "carriage", "cycle", "machinery", "train", "truck",
        "utility", "vehicle", "watercraft",
    }
)  # fmt: skip
NEITHER = frozenset({"spaceship", "other balloon", "kite", NO_KIND})


def read_truth(path: Path) -> dict[int, str]:
    """Number, from 0, -> class: its category; of what flies, `airplane` for planes and its own kind for the rest.

    Raises DataError with the file and the remedy.
    """
    legend, labels = _read(path.with_name(LEGEND)), _read(path)
    class_of: dict[str, str] = {}
    for category, kinds in legend.items():
        if not isinstance(kinds, dict):
            raise DataError(f"{path.with_name(LEGEND)}: {category!r} is no list of kinds; fetch the files again")
        for kind, code in kinds.items():
            class_of[str(code)] = kind if category == AIRCRAFT and code not in PLANES else category
    try:
        return {int(number): class_of[str(code)] for number, code in labels.items()}
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} does not fit {LEGEND} beside it: {error} is unknown; fetch both again") from error


def groups_of(classes: set[str]) -> dict[str, list[str]]:
    """The classes of the truth that are vehicles, and those that are animals."""
    vehicles = sorted(classes & VEHICLES)
    return {"vehicle": vehicles, "animal": sorted(classes - VEHICLES - NEITHER)}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; it belongs to STL-10's labels") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON ({error}); fetch it again") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} is no JSON object; fetch it again")
    return content
