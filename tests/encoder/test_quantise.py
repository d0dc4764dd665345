"""int8: real kernels, near enough to fp32, and not used where the gate was not passed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.embed import Embedder
from encoder.folder import EncoderInfo, write_metrics
from encoder.gate import measure_gate
from encoder.openvino_engine import OpenVinoEngine
from encoder.quantise import activation_ranges


def ranges_of(info: EncoderInfo) -> dict[str, tuple[float, float]]:
    return {name: (low, high) for name, (low, high) in info.config["int8"]["ranges"].items()}


def test_all_convolutions_but_the_first_run_in_int8(encoder: EncoderInfo) -> None:
    assert OpenVinoEngine(encoder.path, ranges=ranges_of(encoder)).int8_convolutions() == "19 of 20"
    assert OpenVinoEngine(encoder.path, ranges=None).int8_convolutions() == "0 of 20"


def test_int8_is_near_fp32_on_pictures_it_was_not_calibrated_with(
    encoder: EncoderInfo, pictures: NDArray[np.uint8]
) -> None:
    fp32 = Embedder.load(encoder.path, engine="openvino", precision="fp32", device="cpu").embed(pictures)
    small = Embedder.load(encoder.path, engine="openvino", precision="int8", device="cpu")
    vectors = small.embed(pictures)
    assert small.precision == "int8"
    assert (fp32 * vectors).sum(axis=1).mean() >= 0.99
    assert not np.array_equal(fp32, vectors)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_gate_is_measured_when_the_encoder_is_saved(encoder: EncoderInfo) -> None:
    gate = encoder.metrics["int8"]
    assert gate["pictures"] == 128
    assert 0.99 <= gate["mean_cosine"] <= 1
    assert gate["int8_convolutions"] == "19 of 20"


def test_ranges_cover_what_the_network_produces(encoder: EncoderInfo, pictures: NDArray[np.uint8]) -> None:
    ranges = activation_ranges(encoder.path, pictures[:64])
    assert ranges.keys() == ranges_of(encoder).keys()
    assert all(low == 0 < high for low, high in ranges.values())  # every such input comes from a ReLU


def test_auto_keeps_to_fp32_without_a_passed_gate(folder: Path, encoder: EncoderInfo) -> None:
    write_metrics(folder, {"int8": {**encoder.metrics["int8"], "passed": False}})
    assert Embedder.load(folder, engine="openvino", precision="auto", device="cpu").precision == "fp32"
    write_metrics(folder, {})
    assert Embedder.load(folder, engine="openvino", precision="auto", device="cpu").precision == "fp32"


def test_auto_is_int8_behind_a_passed_gate_whatever_a_clock_says(folder: Path, encoder: EncoderInfo) -> None:
    write_metrics(folder, {"int8": {**encoder.metrics["int8"], "passed": True}})
    assert Embedder.load(folder, engine="openvino", precision="auto", device="cpu").precision == "int8"


def test_measured_gate_tells_near_from_far() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    same = measure_gate(vectors, vectors)
    assert same.passed
    assert (same.mean_cosine, same.top10_overlap) == (1.0, 1.0)
    noisy = vectors + rng.normal(scale=0.05, size=vectors.shape).astype(np.float32)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    assert not measure_gate(vectors, noisy).passed
    # Turned as a whole, neighbours stay but the vectors no longer match those that were stored.
    turned = measure_gate(vectors, np.roll(vectors, 1, axis=1))
    assert turned.top10_overlap == 1.0
    assert not turned.passed
