"""Where a run starts from: the backbone of an encoder folder instead of random weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from encoder.folder import WEIGHTS, EncoderError, EncoderInfo, verify
from encoder.model import SimCLR

PREFIX = "backbone."


def load_backbone(model: SimCLR, folder: Path) -> EncoderInfo:
    """Copy the folder's backbone into `model`; its projection head, which no folder keeps, stays random.

    Raises EncoderError when the folder is damaged or holds another network.
    """
    info = verify(folder)
    wanted = dataclasses.asdict(model.architecture)
    held = dict(info.config["architecture"])
    # The network takes any side; only layers and stem decide whether the weights fit.
    if {**held, "input_size": 0} != {**wanted, "input_size": 0}:
        raise EncoderError(f"{folder} holds {held}, this run trains {wanted}; choose the same backbone and stem")
    tensors = {
        key.removeprefix(PREFIX): value.float()
        for key, value in load_file(folder / WEIGHTS).items()
        if key.startswith(PREFIX)
    }
    missing, unexpected = model.backbone.load_state_dict(tensors, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise EncoderError(f"{folder / WEIGHTS} lacks {missing} or has too much {unexpected}; copy the folder again")
    return info


def lineage(info: EncoderInfo) -> dict[str, Any]:
    """What a child's configuration says of the encoder that it grew from."""
    training = info.config["training"]
    told = {key: training[key] for key in ("epoch", "hours", "hardware", "data") if key in training}
    epochs = int(training.get("epoch", 0)) + int((training.get("parent") or {}).get("epochs_in_all", 0))
    return {"id": info.id, "name": info.name, **told, "epochs_in_all": epochs}
