"""A run that starts from an encoder folder: same weights, a recorded parent, and a clear error for another network."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet18

from encoder.architecture import Architecture
from encoder.card import card
from encoder.folder import EncoderError, EncoderInfo, save_encoder
from encoder.model import SimCLR
from encoder.ship import ship
from encoder.start import load_backbone, load_start, parent_id
from encoder.training.config import TrainConfig
from encoder.training.loop import train
from encoder.view_config import ViewConfig
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


@pytest.fixture(scope="module")
def resnet() -> dict[str, torch.Tensor]:
    """What a file of torchvision weights holds, the classifier included."""
    torch.manual_seed(7)
    return dict(resnet18(weights=None).state_dict())


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_weights_of_torchvision_are_taken_over_but_for_the_classifier(
    name: str, resnet: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / name
    if name.endswith(".pth"):
        torch.save(resnet, path)
    else:
        save_file(resnet, path)
    model = SimCLR(Architecture("resnet18", "imagenet", 32))
    told = load_start(model, path)
    assert told == {
        "id": parent_id(path),
        "name": name,
        "left_out": ["fc.bias", "fc.weight"],
        "epochs_in_all": 0,
    }
    for key, tensor in model.backbone.state_dict().items():
        assert torch.equal(tensor, resnet[key]), key


def test_another_stem_keeps_its_own_first_convolution(
    resnet: dict[str, torch.Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"state_dict": resnet}, tmp_path / "weights.pth")
    model = SimCLR(NETWORK)
    first = model.backbone.state_dict()["conv1.weight"].clone()
    assert load_start(model, tmp_path / "weights.pth")["left_out"] == ["conv1.weight", "fc.bias", "fc.weight"]
    assert "taken over, but for conv1.weight, fc.bias, fc.weight" in capsys.readouterr().out
    after = model.backbone.state_dict()
    assert torch.equal(after["conv1.weight"], first)
    assert torch.equal(after["layer4.1.conv2.weight"], resnet["layer4.1.conv2.weight"])


def test_weights_that_do_not_fit_are_named(resnet: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(resnet, path)
    with pytest.raises(EncoderError, match=r"does not fit resnet34.* lacks layer1\.2\.conv1\.weight.* and \d+ more"):
        load_start(SimCLR(Architecture("resnet34", "imagenet", 32)), path)
    torch.save({**resnet, "layer9.weight": torch.zeros(1)}, path)
    with pytest.raises(EncoderError, match=r"has layer9\.weight, which is not in it"):
        load_start(SimCLR(NETWORK), path)
    torch.save({**resnet, "conv1.weight": torch.zeros(64, 1, 7, 7)}, path)
    with pytest.raises(EncoderError, match=r"has conv1\.weight as \(64, 1, 7, 7\) instead of \(64, 3, 7, 7\)"):
        load_start(SimCLR(Architecture("resnet18", "imagenet", 32)), path)


def test_what_is_no_file_of_weights_is_told(tmp_path: Path) -> None:
    (tmp_path / "code.pth").write_bytes(pickle.dumps(Path))
    (tmp_path / "text.safetensors").write_text("no weights")
    torch.save([1, 2], tmp_path / "list.pth")
    for name, told in (("code.pth", "plain weights"), ("text.safetensors", "plain weights"), ("list.pth", "no table")):
        with pytest.raises(EncoderError, match=told):
            load_start(SimCLR(NETWORK), tmp_path / name)
    with pytest.raises(EncoderError, match="missing; give an encoder folder, or a file of weights"):
        parent_id(tmp_path / "nothing.pth")


def test_a_run_begun_from_weights_goes_on_without_the_file(resnet: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(resnet, path)
    pictures, cpu = draw_shapes(32, seed=5)[0], torch.device("cpu")
    config = TrainConfig(epochs=1, batch_size=32, bfloat16=False, parent=parent_id(path))
    out = tmp_path / "run"
    train(pictures, config=config, views=ViewConfig(), out=out, device=cpu, start_from=path)
    path.unlink()
    train(pictures, config=config, views=ViewConfig(), out=out, device=cpu, start_from=path)
    state = torch.load(out / "checkpoint-00001.pt", weights_only=True)
    assert state["parent"]["name"] == "weights.pth" and state["config"]["parent"] == state["parent"]["id"]
