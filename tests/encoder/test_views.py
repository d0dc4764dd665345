"""Training views: shapes, ranges and how often each change happens."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from encoder.views import ViewConfig, luma, make_views, random_crop, random_jitter, shift_hue
from tests.encoder.shapes import draw_shapes

STILL = ViewConfig(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0, jitter=0.0, grayscale=0.0)
ZERO, ONE = torch.zeros(3), torch.ones(3)


def batch(count: int = 400) -> Tensor:
    return torch.from_numpy(draw_shapes(count, seed=9)[0]).permute(0, 3, 1, 2).contiguous()


def views(config: ViewConfig, *, size: int = 32, seed: int = 0) -> Tensor:
    return make_views(batch(), config, size=size, mean=ZERO, std=ONE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [16, 32, 48])
def test_shape_type_and_range(size: int) -> None:
    made = views(replace(ViewConfig(), blur=0.5), size=size)
    assert made.shape == (400, 3, size, size)
    assert made.dtype == torch.float32
    assert made.min() >= -1e-5
    assert made.max() <= 1 + 1e-5


def test_without_changes_a_view_is_the_picture() -> None:
    assert torch.allclose(views(STILL), batch() / 255, atol=1e-4)


def test_views_are_normalised_with_mean_and_deviation() -> None:
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5])
    made = make_views(batch(), STILL, size=32, mean=mean, std=std)
    assert torch.allclose(made * std.view(3, 1, 1) + mean.view(3, 1, 1), batch() / 255, atol=1e-4)


def test_the_seed_decides() -> None:
    assert torch.equal(views(ViewConfig(), seed=1), views(ViewConfig(), seed=1))
    assert not torch.equal(views(ViewConfig(), seed=1), views(ViewConfig(), seed=2))


def test_half_of_the_views_are_mirrored() -> None:
    made, original = views(replace(STILL, flip=0.5)), batch() / 255
    same = (made - original).abs().amax(dim=(1, 2, 3)) < 1e-3
    mirrored = (made - original.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert bool((same | mirrored).all())
    assert 0.4 < float(mirrored.float().mean()) < 0.6


def test_a_fifth_of_the_views_are_grey() -> None:
    made = views(replace(STILL, grayscale=0.2))
    grey = (made - luma(made)).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert 0.13 < float(grey.float().mean()) < 0.27


def test_four_fifths_of_the_views_change_colour_within_their_strength() -> None:
    picture = torch.full((2000, 3, 4, 4), 0.5)
    config = replace(STILL, jitter=0.8, contrast=0.0, saturation=0.0, hue=0.0)
    made = random_jitter(picture, config, generator=torch.Generator().manual_seed(3))[:, 0, 0, 0]
    changed = made[(made - 0.5).abs() > 1e-6]
    assert 0.76 < len(changed) / 2000 < 0.84
    assert 0.3 <= float(changed.min()) < 0.31
    assert 0.69 < float(changed.max()) <= 0.7


def test_crops_cover_the_areas_that_were_asked_for() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).mul(4).view(1, 1, 1, 64).expand(3000, 3, 64, 64).contiguous()
    config = replace(STILL, crop_scale=(0.2, 1.0), crop_ratio=(3 / 4, 4 / 3))
    made = random_crop(ramp, config, size=64, generator=torch.Generator().manual_seed(4))
    across = made[:, 0, 32, :] * 255 / 4
    width = (across[:, 63] - across[:, 0] + 1) / 64
    assert float(width.min()) > 0.35  # sqrt(0.2 * 3/4) = 0.387, less the half pixels of the sampling
    assert float(width.max()) <= 1.02
    area = torch.as_tensor(width.square().mean())
    assert 0.5 < float(area) < 0.68  # mean of the area is 0.6, a little less where a side was clamped


def test_hue_is_that_of_colorsys() -> None:
    colours = torch.rand(50, 3, generator=torch.Generator().manual_seed(5))
    turns = torch.linspace(-0.5, 0.5, 50)
    made = shift_hue(colours.view(50, 3, 1, 1), turns).view(50, 3)
    for colour, turn, found in zip(colours.tolist(), turns.tolist(), made.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        expected = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_blur_smooths() -> None:
    sharp, blurred = views(STILL), views(replace(STILL, blur=1.0, blur_sigma=(1.5, 1.6)))
    assert blurred.diff(dim=3).abs().mean() < 0.8 * sharp.diff(dim=3).abs().mean()
