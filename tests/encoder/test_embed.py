"""Embedder: engines agree, shapes are checked, torch stays out unless it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.architecture import Architecture
from encoder.embed import Embedder, pick_device
from encoder.folder import EncoderDamaged, EncoderError, EncoderInfo, save_encoder
from encoder.model import SimCLR
from tests.encoder.shapes import MEAN, STD


@pytest.fixture(scope="module")
def openvino_fp32(encoder: EncoderInfo) -> Embedder:
    return Embedder.load(encoder.path, engine="openvino", precision="fp32", device="cpu")


@pytest.fixture(scope="module")
def torch_fp32(encoder: EncoderInfo) -> Embedder:
    return Embedder.load(encoder.path, engine="torch", device="cpu")


def test_engines_agree(openvino_fp32: Embedder, torch_fp32: Embedder, pictures: NDArray[np.uint8]) -> None:
    one, two = openvino_fp32.embed(pictures), torch_fp32.embed(pictures)
    assert (one * two).sum(axis=1).min() >= 0.999
    assert (openvino_fp32.engine, torch_fp32.engine) == ("openvino", "torch")
    assert openvino_fp32.precision == torch_fp32.precision == "fp32"


@pytest.mark.parametrize("stem", ["imagenet", "small", "small-pool2"])
def test_engines_agree_for_every_stem(tmp_path: Path, stem: str, pictures: NDArray[np.uint8]) -> None:
    model = SimCLR(Architecture(backbone="resnet18", stem=stem, input_size=32))  # type: ignore[arg-type]
    folder = tmp_path / stem
    save_encoder(folder, model, name=stem, mean=MEAN, std=STD, training={}, metrics={})
    vectors = [
        Embedder.load(folder, engine=engine, precision="fp32", device="cpu").embed(pictures[:4])
        for engine in ("torch", "openvino")
    ]
    assert (vectors[0] * vectors[1]).sum(axis=1).min() >= 0.999


def test_a_deeper_backbone_exports_too(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    model = SimCLR(Architecture(backbone="resnet50", stem="small-pool4", input_size=32))
    info = save_encoder(tmp_path / "r50", model, name="r50", mean=MEAN, std=STD, training={}, metrics={})
    one = Embedder.load(info.path, engine="openvino", device="cpu")
    two = Embedder.load(info.path, engine="torch", device="cpu")
    assert one.dimension == 2048
    assert (one.embed(pictures[:4]) * two.embed(pictures[:4])).sum(axis=1).min() >= 0.999


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_any_number_of_pictures(openvino_fp32: Embedder, pictures: NDArray[np.uint8], count: int) -> None:
    vectors = openvino_fp32.embed(pictures[:count])
    assert vectors.shape == (count, 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_picture_does_not_depend_on_its_batch(openvino_fp32: Embedder, pictures: NDArray[np.uint8]) -> None:
    together = openvino_fp32.embed(pictures)
    for index in (0, 64, 199):
        alone = openvino_fp32.embed(pictures[index : index + 1])[0]
        assert float(alone @ together[index]) > 0.99999


def test_black_and_strided_pictures(openvino_fp32: Embedder, torch_fp32: Embedder, pictures: NDArray[np.uint8]) -> None:
    black = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    assert np.isfinite(openvino_fp32.embed(black)).all()
    mirrored = pictures[:5, :, ::-1]
    expected = openvino_fp32.embed(mirrored.copy())
    np.testing.assert_allclose(openvino_fp32.embed(mirrored), expected, atol=1e-5)
    assert (torch_fp32.embed(mirrored) * expected).sum(axis=1).min() >= 0.999


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 32, 32, 3), dtype=np.float32),
        np.zeros((32, 32, 3), dtype=np.uint8),
        np.zeros((1, 3, 32, 32), dtype=np.uint8),
        np.zeros((1, 64, 64, 3), dtype=np.uint8),
    ],
)
def test_wrong_shape_or_type_is_refused(openvino_fp32: Embedder, wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(EncoderError, match=r"\(n, 32, 32, 3\) uint8"):
        openvino_fp32.embed(wrong)


def test_choices_that_cannot_be_met_are_refused(encoder: EncoderInfo, model: SimCLR, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no int8"):
        Embedder.load(encoder.path, engine="torch", precision="int8", device="cpu")
    with pytest.raises(EncoderError, match="runs on the CPU"):
        Embedder.load(encoder.path, engine="openvino", device="cuda:0")
    with pytest.raises(EncoderError, match="choose auto, torch or openvino"):
        Embedder.load(encoder.path, engine="tensorrt")  # type: ignore[arg-type]
    info = save_encoder(tmp_path / "plain", model, name="plain", mean=MEAN, std=STD, training={}, metrics={})
    with pytest.raises(EncoderError, match="no int8 ranges"):
        Embedder.load(info.path, engine="openvino", precision="int8", device="cpu")
    assert Embedder.load(info.path, engine="openvino", device="cpu").precision == "fp32"


def test_damaged_folder_is_refused_before_an_engine_reads_it(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as stream:
        stream.seek(5_000_000)
        stream.write(b"\xff")
    with pytest.raises(EncoderDamaged, match=r"model\.safetensors"):
        Embedder.load(folder)


def test_a_named_device_is_kept() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("cuda:1") == "cuda:1"


def test_serving_needs_neither_torch_nor_usage_reports(encoder: EncoderInfo) -> None:
    program = (
        "import json, sys, numpy; from pathlib import Path; from encoder.embed import Embedder;"
        "before = 'openvino' in sys.modules;"
        f"e = Embedder.load(Path({str(encoder.path)!r}), engine='openvino', device='cpu', threads=1, latency=True);"
        "e.embed(numpy.zeros((1, 32, 32, 3), dtype=numpy.uint8));"
        "loaded = [n for n in ('torch', 'lightly', 'onnx', 'openvino_telemetry') if sys.modules.get(n)];"
        "print(json.dumps([before, loaded]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, []]
