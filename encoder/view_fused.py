"""The steps of training views for a GPU, a kernel or two each, written by torch.compile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import Tensor

from encoder.view_steps import (
    LUMA,
    ViewSteps,
    change_brightness,
    change_contrast,
    crop,
    opposite_hues,
    turn_hue,
)

F = TypeVar("F", bound=Callable[..., object])


@functools.cache
def fused_steps() -> ViewSteps:
    """The steps, compiled when each is first used; what they compute is what `view_steps.PLAIN` does."""
    return steps_compiled_by("inductor")


def steps_compiled_by(backend: str) -> ViewSteps:
    """The steps compiled by one of torch's backends."""

    def compiled(step: F) -> F:
        return cast(F, torch.compile(step, fullgraph=True, backend=backend))

    turned = compiled(turn_hue)
    return ViewSteps(
        crop=compiled(crop),
        jitter={
            "brightness": compiled(change_brightness),
            "contrast": compiled(change_contrast),
            "saturation": compiled(saturate),
            "hue": lambda views, turns: turned(views, turns, opposite_hues(views.device)),
        },
        finish=compiled(mix),
    )


def saturate(views: Tensor, factor: Tensor) -> Tensor:
    """`change_saturation` pixel by pixel: a product with 3x3 matrices cannot be fused with what is around it."""
    red, green, blue = views.unbind(dim=1)
    luma = (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue).unsqueeze(1)
    return torch.lerp(luma, views, factor.view(-1, 1, 1, 1)).clamp(0, 1)


def mix(views: Tensor, mixing: Tensor, offset: Tensor, out: Tensor) -> None:
    """`finish` pixel by pixel, for the same reason."""
    weights = mixing.unsqueeze(3).unsqueeze(4)
    red, green, blue = (views[:, i : i + 1] * weights[:, :, i] for i in range(3))
    out.copy_(red + green + blue + offset.unsqueeze(3))
