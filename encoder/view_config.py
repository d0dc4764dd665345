"""How strongly training views are changed. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewConfig:
    """Strengths of the augmentations; the defaults are SimCLR's for CIFAR-10 (arXiv 2002.05709, appendix B.9),
    which leaves the blur out, with the crops of lightly's benchmark (scale from 0.2, not 0.08: small pictures)."""

    crop_scale: tuple[float, float] = (0.2, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grayscale: float = 0.2
    blur: float = 0.0
    blur_sigma: tuple[float, float] = (0.1, 2.0)
