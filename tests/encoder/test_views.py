"""Training views: what was drawn is what is done, as torchvision does it one picture at a time."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as peer

from encoder.view_config import ViewConfig
from encoder.view_draws import ViewDraws, draw_views
from encoder.views import (
    ORDERS,
    blur,
    blur_matrices,
    change_brightness,
    change_contrast,
    change_saturation,
    crop,
    make_views,
    places,
    shift_hue,
)
from tests.encoder.shapes import draw_shapes

STILL = ViewConfig(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0, jitter=0.0, grayscale=0.0)
ZERO, ONE = torch.zeros(3), torch.ones(3)


def batch(count: int = 200) -> Tensor:
    return torch.from_numpy(draw_shapes(count, seed=9)[0])


def planes(count: int = 200) -> Tensor:
    return batch(count).permute(0, 3, 1, 2).float() / 255


def drawn(config: ViewConfig, *, count: int = 200, seed: int = 0, block: int = 16) -> ViewDraws:
    return draw_views(count, config, side=32, generator=torch.Generator().manual_seed(seed), block=block)


def views(config: ViewConfig, *, size: int = 32, seed: int = 0) -> Tensor:
    return make_views(batch(), drawn(config, seed=seed), size=size, mean=ZERO, std=ONE)


@pytest.mark.parametrize("size", [16, 32, 48])
def test_shape_type_layout_and_range(size: int) -> None:
    made = views(replace(ViewConfig(), blur=0.5), size=size)
    assert made.shape == (200, 3, size, size)
    assert made.dtype == torch.float32
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert made.min() >= -1e-4
    assert made.max() <= 1 + 1e-4


def test_without_changes_a_view_is_the_picture() -> None:
    assert torch.allclose(views(STILL), planes(), atol=1e-4)


def test_views_are_normalised_with_mean_and_deviation() -> None:
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5])
    made = make_views(batch(), drawn(STILL), size=32, mean=mean, std=std)
    assert torch.allclose(made * std.view(3, 1, 1) + mean.view(3, 1, 1), planes(), atol=1e-4)


def test_the_draws_decide() -> None:
    assert torch.equal(views(ViewConfig(), seed=1), views(ViewConfig(), seed=1))
    assert not torch.equal(views(ViewConfig(), seed=1), views(ViewConfig(), seed=2))


def test_views_go_where_they_are_asked_to() -> None:
    out = torch.full((200, 3, 32, 32), float("nan")).contiguous(memory_format=torch.channels_last)
    made = make_views(batch(), drawn(ViewConfig()), size=32, mean=ZERO, std=ONE, out=out)
    assert made is out
    assert torch.equal(out, views(ViewConfig()))


def test_more_cores_make_the_same_views_to_the_last_digit() -> None:
    config = ViewConfig(blur=0.5)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = views(config)
        torch.set_num_threads(3)
        assert torch.equal(views(config), alone)
        assert torch.get_num_threads() == 3, "the cores that the rest of the program uses were changed"
    finally:
        torch.set_num_threads(before)


def test_second_views_follow_the_first() -> None:
    one, two = drawn(ViewConfig(blur=0.5)), drawn(ViewConfig(blur=0.5), seed=3)
    both = make_views(batch(), one.followed_by(two), size=32, mean=ZERO, std=ONE)
    for part, draws in zip(both.chunk(2), (one, two), strict=True):
        torch.testing.assert_close(part, make_views(batch(), draws, size=32, mean=ZERO, std=ONE))


def test_the_mirrored_are_those_that_were_drawn() -> None:
    draws = drawn(replace(STILL, flip=0.5))
    made, original = make_views(batch(), draws, size=32, mean=ZERO, std=ONE), planes()
    expected = torch.where(draws.flip.view(-1, 1, 1, 1), original.flip(3), original)
    assert torch.allclose(made, expected, atol=1e-4)


def test_the_grey_are_those_that_were_drawn() -> None:
    draws = drawn(replace(STILL, grayscale=0.3))
    made, original = make_views(batch(), draws, size=32, mean=ZERO, std=ONE), planes()
    grey = peer.rgb_to_grayscale(original, num_output_channels=3)
    assert torch.allclose(made, torch.where(draws.grayscale.view(-1, 1, 1, 1), grey, original), atol=2e-3)


def test_crops_are_torchvisions_crops_resized_without_antialiasing() -> None:
    draws = drawn(replace(STILL, crop_scale=(0.2, 1.0), crop_ratio=(3 / 4, 4 / 3)), count=50)
    made = crop(batch(50), *places(draws, height=32, width=32, size=32, device=torch.device("cpu")))
    for picture, box, view in zip(planes(50), draws.box.int().tolist(), made, strict=True):
        left, top, width, height = box
        expected = peer.resized_crop(picture, top, left, height, width, [32, 32], antialias=False)
        assert torch.allclose(view, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [
        (change_brightness, peer.adjust_brightness, 0.2, 1.8),
        (change_contrast, peer.adjust_contrast, 0.2, 1.8),
        (change_saturation, peer.adjust_saturation, 0.2, 1.8),
        (shift_hue, peer.adjust_hue, -0.5, 0.5),
    ],
)
def test_colours_change_as_torchvisions(ours: object, theirs: object, low: float, high: float) -> None:
    amounts = torch.linspace(low, high, 60)
    made = ours(planes(60).clone(), amounts)  # type: ignore[operator]
    for picture, amount, view in zip(planes(60), amounts.tolist(), made, strict=True):
        expected = theirs(picture, amount)  # type: ignore[operator]
        assert torch.allclose(view, expected, atol=3e-3)


def test_hue_is_that_of_colorsys() -> None:
    colours = torch.rand(50, 3, generator=torch.Generator().manual_seed(5))
    turns = torch.linspace(-0.5, 0.5, 50)
    made = shift_hue(colours.view(50, 3, 1, 1).clone(), turns).view(50, 3)
    for colour, turn, found in zip(colours.tolist(), turns.tolist(), made.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        expected = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_order_of_the_jitter_is_the_one_that_was_drawn() -> None:
    config = replace(STILL, jitter=1.0, hue=0.0)
    one = drawn(config, count=1)
    first, last = ORDERS.index(("brightness", "contrast", "saturation", "hue")), len(ORDERS) - 1
    made = [
        make_views(batch(1), replace(one, order=torch.tensor([order])), size=32, mean=ZERO, std=ONE)
        for order in (first, last)
    ]
    assert not torch.allclose(made[0], made[1], atol=1e-4)
    steps = {"brightness": change_brightness, "contrast": change_contrast, "saturation": change_saturation}
    for order, view in zip((first, last), made, strict=True):
        expected = planes(1).clone()
        for name in ORDERS[order]:
            if name != "hue":
                expected = steps[name](expected, getattr(one, name))
        assert torch.allclose(view, expected, atol=1e-4)


def test_blur_is_a_gaussian_with_the_sigma_that_was_drawn() -> None:
    sigmas = torch.tensor([0.3, 1.0, 2.0])
    made = blur(planes(3), blur_matrices(sigmas, size=32, device=torch.device("cpu")))
    for picture, sigma, view in zip(planes(3), sigmas.tolist(), made, strict=True):
        # Edges differ: torchvision mirrors there, lightly's Pillow and we repeat the last pixel.
        expected = peer.gaussian_blur(picture, kernel_size=[17, 17], sigma=[sigma, sigma])
        assert torch.allclose(view[:, 9:-9, 9:-9], expected[:, 9:-9, 9:-9], atol=2e-3)
