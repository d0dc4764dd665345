"""torch on model.safetensors: the engine of a GPU, and the reference that OpenVINO is compared with."""

from __future__ import annotations

from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from encoder.architecture import Architecture, Backbone, Stem
from encoder.folder import WEIGHTS, EncoderDamaged, EncoderInfo
from encoder.model import NormalisedBackbone, build_backbone

BATCH = 256


class TorchEngine:
    """The backbone in fp32 with the stored weights, on one device. Raises EncoderDamaged when they do not fit."""

    def __init__(self, info: EncoderInfo, *, device: str, threads: int = 0) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        self._device = torch.device(device)
        self._network = load_network(info).to(self._device).to(memory_format=torch.channels_last)

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, s, s, 3) uint8 -> (n, d) float32, unit rows."""
        parts = []
        with torch.inference_mode():
            for start in range(0, len(pictures), BATCH):
                batch = torch.from_numpy(pictures[start : start + BATCH]).to(self._device, non_blocking=True)
                parts.append(self._network(batch).float())
            return torch.cat(parts).cpu().numpy()


def load_network(info: EncoderInfo) -> NormalisedBackbone:
    """Rebuild the network of an encoder folder with its weights as float32."""
    try:
        architecture = Architecture(**info.config["architecture"])
        if architecture.backbone not in get_args(Backbone) or architecture.stem not in get_args(Stem):
            raise ValueError(f"unknown architecture {architecture}")
        tensors = {name: tensor.float() for name, tensor in load_file(info.path / WEIGHTS).items()}
        backbone = build_backbone(architecture)
        loaded = {name.removeprefix("backbone."): t for name, t in tensors.items() if name.startswith("backbone.")}
        missing, unexpected = backbone.load_state_dict(loaded, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise ValueError(f"tensors missing {missing[:3]}, unexpected {unexpected[:3]}")
        output = (tensors["output.mean"], tensors["output.matrix"]) if "output.matrix" in tensors else None
    except (KeyError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        raise EncoderDamaged(
            f"{info.path / WEIGHTS} does not fit its configuration ({error}); copy it again"
        ) from error
    return NormalisedBackbone(backbone, mean=info.mean, std=info.std, output=output).eval()
