"""A run that starts from an encoder folder: same weights, a recorded parent, and a clear error for another network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.card import card
from encoder.folder import EncoderError, EncoderInfo, save_encoder
from encoder.model import Architecture, SimCLR
from encoder.ship import ship
from encoder.start import load_backbone
from encoder.train import TrainConfig, train
from encoder.view_draws import ViewConfig
from tests.encoder.shapes import draw_shapes

NETWORK = Architecture("resnet18", "small-pool4", 32)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimCLR, EncoderInfo]:
    torch.manual_seed(3)
    model = SimCLR(NETWORK).eval()
    folder = tmp_path_factory.mktemp("start") / "parent"
    training = {"epoch": 13, "hours": 1.5}
    stored = save_encoder(folder, model, name="parent", mean=(0.5,) * 3, std=(0.2,) * 3, training=training, metrics={})
    return model, stored


def test_the_backbone_is_the_folders_and_the_head_is_not(parent: tuple[SimCLR, EncoderInfo]) -> None:
    original, info = parent
    torch.manual_seed(4)
    model = SimCLR(NETWORK)
    assert load_backbone(model, info.path).id == info.id
    for name, tensor in original.backbone.state_dict().items():
        torch.testing.assert_close(model.backbone.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    pairs = zip(model.head.parameters(), original.head.parameters(), strict=True)
    assert not all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("other", [Architecture("resnet34", "small-pool4", 32), Architecture("resnet18", "small", 32)])
def test_another_network_is_refused_by_name(parent: tuple[SimCLR, EncoderInfo], other: Architecture) -> None:
    with pytest.raises(EncoderError, match=r"this run trains .* choose the same backbone and stem"):
        load_backbone(SimCLR(other), parent[1].path)


def test_a_child_names_its_parent_in_folder_and_card(parent: tuple[SimCLR, EncoderInfo], tmp_path: Path) -> None:
    info = parent[1]
    pictures = draw_shapes(64, seed=5)[0]
    config = TrainConfig(epochs=1, batch_size=32, parent=info.id)
    out = tmp_path / "run"
    train(pictures, config=config, views=ViewConfig(), out=out, device=torch.device("cpu"), start_from=info.path)
    child = ship(
        out / "checkpoint-00001.pt",
        tmp_path / "child",
        name="child",
        calibrate=np.asarray(pictures),
        evaluation=None,
        power=None,
        data="shapes",
    )
    assert child.config["parent"] == info.id
    told = child.config["training"]["parent"]
    assert (told["epoch"], told["hours"], told["epochs_in_all"]) == (13, 1.5, 13)
    assert "continued from `parent`" in card(child)
    assert info.id[:12] in card(child)
