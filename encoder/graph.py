"""model.onnx as an OpenVINO model, and OpenVINO itself, imported late and without its usage reports."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from encoder.folder import GRAPH, EncoderDamaged


@cache
def openvino() -> Any:
    """The module `openvino`, imported so that its usage reports have no code to run.

    Its converter imports `openvino_telemetry` if that is there and uses a stub that does nothing if not.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: import raises ImportError
    import openvino

    return openvino


def read_model(folder: Path) -> Any:
    """The graph of an encoder folder as an OpenVINO model. Raises EncoderDamaged."""
    try:
        return openvino().Core().read_model(str(folder / GRAPH))
    except RuntimeError as error:
        raise EncoderDamaged(f"{folder / GRAPH} cannot be read ({error}); copy the folder again") from error
