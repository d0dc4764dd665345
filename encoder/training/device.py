"""What a device can do."""

from __future__ import annotations

import torch

from encoder.training.config import TrainConfig


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; a CPU without them takes eight times as long as in fp32."""
    if device.type != "cpu":
        return True
    # get_capabilities is newer than the oldest torch that is supported; without it fp32 is the safe answer.
    tell = getattr(torch.cpu, "get_capabilities", None)
    known = tell() if tell else {}
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def uses_bfloat16(config: TrainConfig, device: torch.device) -> bool:
    """As the run says, or where the device is good at it and the pictures are large enough for it."""
    if config.bfloat16 is not None:
        return config.bfloat16
    return computes_bfloat16(device) and not too_small_for_bfloat16(config, device)


def too_small_for_bfloat16(config: TrainConfig, device: torch.device) -> bool:
    """torch 2.15 (oneDNN) leaves the gradient of kernel rows that only see padding unset then: weights of 1e15."""
    return device.type == "cpu" and config.architecture().last_map_side() < 2
