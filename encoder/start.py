"""Where a run starts from: the backbone of an encoder folder, or a file of torchvision weights, not random weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from encoder.folder import WEIGHTS, EncoderError, EncoderInfo, file_digest, load_info, verify
from encoder.model import SimCLR

PREFIX = "backbone."
CLASSIFIER = "fc."  # of ImageNet's classes: nothing here has one


def parent_id(path: Path) -> str:
    """What names the weights: the encoder's id, or the file's SHA-256. Raises EncoderError."""
    if path.is_dir():
        return load_info(path).id
    if not path.is_file():
        raise EncoderError(f"{path} is missing; give an encoder folder, or a file of weights (.pth, .safetensors)")
    return file_digest(path)


def load_start(model: SimCLR, path: Path) -> dict[str, Any]:
    """Copy the backbone of a folder or file into `model`; returns what a child says of its parent. EncoderError."""
    if path.is_dir():
        return lineage(load_backbone(model, path))
    left_out = load_weights(model, path)
    print(f"{path.name}: taken over, but for {', '.join(left_out) or 'nothing'}", flush=True)
    return {"id": parent_id(path), "name": path.name, "left_out": left_out, "epochs_in_all": 0}


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


def load_weights(model: SimCLR, path: Path) -> list[str]:
    """Copy a ResNet of torchvision into `model`; returns the names of what was left out.

    That may be the classifier, and the first convolution where the run's stem is another than ImageNet's. Raises
    EncoderError, with every name, when anything else does not fit. No code in the file is run.
    """
    given = _read_weights(path)
    wanted = model.backbone.state_dict()
    may_stay = {"conv1.weight"} if model.architecture.stem != "imagenet" else set()
    unfit = {key for key, value in wanted.items() if key in given and given[key].shape != value.shape}
    missing = [key for key in wanted if key not in given and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in given if key not in wanted and not key.startswith(CLASSIFIER)]
    if missing or unexpected or unfit - may_stay:
        told = [f"lacks {_few(missing)}"] if missing else []
        told += [f"has {_few(unexpected)}, which is not in it"] if unexpected else []
        told += [
            f"has {key} as {tuple(given[key].shape)} instead of {tuple(wanted[key].shape)}"
            for key in sorted(unfit - may_stay)[:3]
        ]
        raise EncoderError(
            f"{path} does not fit {model.architecture.backbone}, stem {model.architecture.stem}: it"
            f" {'; '.join(told)}; choose the backbone that it was trained as"
        )
    model.backbone.load_state_dict(
        {key: given[key].float() for key in wanted if key in given and key not in unfit}, strict=False
    )
    return sorted(unfit | {key for key in given if key.startswith(CLASSIFIER)})


def lineage(info: EncoderInfo) -> dict[str, Any]:
    """What a child's configuration says of the encoder that it grew from."""
    training = info.config["training"]
    told = {key: training[key] for key in ("epoch", "hours", "hardware", "data") if key in training}
    epochs = int(training.get("epoch", 0)) + int((training.get("parent") or {}).get("epochs_in_all", 0))
    return {"id": info.id, "name": info.name, **told, "epochs_in_all": epochs}


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file from elsewhere: what its reader raises is no closed list
        words = " ".join(str(error).split())[:200]
        raise EncoderError(f"{path} is no file of plain weights ({words}); give a .pth or .safetensors") from error
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise EncoderError(f"{path} holds no table of tensors; give the state_dict of a torchvision ResNet")
    return content


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
