"""The encoder folder: what is written, what the id names, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from encoder.card import write_card
from encoder.external_data import external_places
from encoder.folder import (
    EncoderDamaged,
    EncoderError,
    EncoderInfo,
    encoder_id,
    file_digest,
    load_info,
    save_encoder,
    verify,
    write_metrics,
)
from encoder.model import SimCLR
from tests.encoder.shapes import MEAN, STD


def rewrite_config(folder: Path, **change: Any) -> None:
    """Change config.json and give it the id that fits, as somebody who means harm would."""
    config = {**json.loads((folder / "config.json").read_text()), **change}
    (folder / "config.json").write_text(json.dumps({**config, "id": encoder_id(config)}))


def replace_graph(folder: Path, graph: onnx.ModelProto) -> None:
    """Put another graph in place, with digest and id that fit it."""
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    names = ("model.safetensors", "model.onnx")
    rewrite_config(folder, files={name: file_digest(folder / name) for name in names})


def test_saved_folder_reads_back(encoder: EncoderInfo) -> None:
    info = verify(encoder.path)
    assert info == encoder
    assert len(info.id) == 64
    assert (info.name, info.dimension, info.input_size) == ("small", 512, 32)
    assert (info.mean, info.std) == (MEAN, STD)
    assert info.metrics["made_for"] == "tests"
    assert sorted(p.name for p in info.path.iterdir()) == [
        "config.json",
        "metrics.json",
        "model.onnx",
        "model.safetensors",
    ]


def test_weights_are_stored_once_in_fp16_without_the_head(encoder: EncoderInfo, model: SimCLR) -> None:
    tensors = load_file(encoder.path / "model.safetensors")
    assert not [name for name in tensors if "head" in name]
    assert tensors["backbone.layer4.1.conv2.weight"].dtype == np.float16
    assert tensors["backbone.layer4.1.bn2.running_var"].dtype == np.float32
    wanted = model.backbone.state_dict()["layer1.0.conv1.weight"].numpy()
    np.testing.assert_allclose(tensors["backbone.layer1.0.conv1.weight"], wanted, rtol=1e-3, atol=1e-6)
    assert (encoder.path / "model.onnx").stat().st_size < 100_000
    assert sum(p.stat().st_size for p in encoder.path.iterdir()) < 25_000_000


def test_graph_is_valid_onnx_with_all_weights_in_the_safetensors_file(encoder: EncoderInfo) -> None:
    onnx.checker.check_model(str(encoder.path / "model.onnx"), full_check=True)
    places = external_places((encoder.path / "model.onnx").read_bytes())
    assert len(places) == len(load_file(encoder.path / "model.safetensors"))
    assert {place.location for place in places} == {"model.safetensors"}
    graph = onnx.load(str(encoder.path / "model.onnx"))
    stored = load_file(encoder.path / "model.safetensors")
    for tensor in graph.graph.initializer:
        if tensor.name in stored:
            np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), stored[tensor.name])


def test_id_names_weights_and_configuration_but_not_metrics(encoder: EncoderInfo, folder: Path) -> None:
    write_metrics(folder, {"knn_accuracy": 0.5})
    assert load_info(folder).id == encoder.id
    assert load_info(folder).metrics == {"knn_accuracy": 0.5}
    rewrite_config(folder, name="other")
    assert verify(folder).id != encoder.id


@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx", "config.json", "metrics.json"])
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(EncoderDamaged, match=rf"{name} .*copy the folder again"):
        verify(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx"])
def test_one_changed_bit_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(EncoderDamaged, match=name):
        verify(folder)


def test_truncated_weights_are_found(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-1000])
    with pytest.raises(EncoderDamaged, match=r"model\.safetensors"):
        verify(folder)


def test_changed_configuration_does_not_match_its_id(folder: Path) -> None:
    text = (folder / "config.json").read_text().replace('"name": "small"', '"name": "large"')
    (folder / "config.json").write_text(text)
    with pytest.raises(EncoderDamaged, match="id does not match"):
        load_info(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"format": 1, "id": 3}', "\x00"])
def test_broken_configuration_is_an_encoder_error(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(EncoderDamaged, match=r"config\.json"):
        load_info(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"dimension": 10**9},
        {"architecture": {"backbone": "resnet18", "stem": "small", "input_size": -1}},
        {"preprocessing": {"resize": "", "mean": [0, 0, 0], "std": [0, 1, 1]}},
    ],
)
def test_impossible_values_are_refused(folder: Path, change: dict[str, Any]) -> None:
    rewrite_config(folder, **change)
    with pytest.raises(EncoderDamaged, match="impossible"):
        load_info(folder)


def test_newer_format_is_refused(folder: Path) -> None:
    rewrite_config(folder, format=2)
    with pytest.raises(EncoderError, match="format 2"):
        load_info(folder)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "config.json", "sub/../model.safetensors", ""])
def test_graph_that_reads_another_file_is_refused(folder: Path, location: str) -> None:
    graph = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    entry = next(e for t in graph.graph.initializer for e in t.external_data if e.key == "location")
    entry.value = location
    replace_graph(folder, graph)
    with pytest.raises(EncoderDamaged, match="do not use it"):
        verify(folder)


def test_graph_that_hides_a_foreign_file_in_a_node_is_refused(folder: Path) -> None:
    graph = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    tensor = onnx.TensorProto(data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    inner = onnx.helper.make_graph([onnx.helper.make_node("Constant", [], ["x"], value=tensor)], "inner", [], [])
    graph.graph.node.append(onnx.helper.make_node("If", ["y"], ["z"], then_branch=inner, else_branch=inner))
    replace_graph(folder, graph)
    with pytest.raises(EncoderDamaged, match="secret"):
        verify(folder)


def test_graph_that_reads_past_the_weights_is_refused(folder: Path) -> None:
    graph = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    entry = next(e for t in graph.graph.initializer for e in t.external_data if e.key == "offset")
    entry.value = str(10**9)
    replace_graph(folder, graph)
    with pytest.raises(EncoderDamaged, match="beyond the end"):
        verify(folder)


@pytest.mark.parametrize("content", [b"\xff" * 40, b"\x3a\xff\x01", b"PK\x03\x04 not a graph"])
def test_bytes_that_are_no_graph_are_refused(folder: Path, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    names = ("model.safetensors", "model.onnx")
    rewrite_config(folder, files={name: file_digest(folder / name) for name in names})
    with pytest.raises(EncoderDamaged, match="not an ONNX graph"):
        verify(folder)


def test_weights_behind_a_link_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(tmp_path / "elsewhere")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EncoderDamaged, match="not a plain file"):
        verify(folder)


def test_saving_replaces_an_encoder_and_leaves_nothing_behind(folder: Path, model: SimCLR) -> None:
    before = sorted(p.name for p in folder.parent.iterdir())
    info = save_encoder(folder, model, name="second", mean=MEAN, std=STD, training={}, metrics={})
    assert verify(folder).name == "second"
    assert info.config["output"] is None
    assert sorted(p.name for p in folder.parent.iterdir()) == before


def test_saving_over_something_else_is_refused(tmp_path: Path, model: SimCLR) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(EncoderError, match="is not an encoder"):
        save_encoder(tmp_path / "photos", model, name="n", mean=MEAN, std=STD, training={}, metrics={})
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"cat"


def test_card_states_data_and_figures(folder: Path) -> None:
    write_metrics(folder, {"knn_accuracy": 0.512, "pictures": {"bank": 50_000, "queries": 10_000}})
    write_card(load_info(folder))
    text = (folder / "README.md").read_text()
    assert "0.512" in text
    assert "10,000 pictures never trained on" in text
    assert load_info(folder).id in text
