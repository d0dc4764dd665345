"""int8 for OpenVINO: activation ranges measured on pictures, and FakeQuantize nodes put into the graph at load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.graph import openvino, read_model

Ranges = dict[str, tuple[float, float]]

PERCENTILE = 99.99  # the largest ten-thousandth is clipped: a few outliers would cost all others their resolution
VALUES_PER_TENSOR = 2_000_000  # enough that 200 values lie beyond the percentile


def activation_ranges(folder: Path, pictures: NDArray[np.uint8]) -> Ranges:
    """Range of the input of each convolution but the first, by the name of that tensor in model.onnx."""
    model = read_model(folder)
    names = [_source_name(node) for node in _convolutions(model)[1:]]
    names = list(dict.fromkeys(names))
    for name in names:
        model.add_outputs(name)
    compiled = openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kept: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for start in range(0, len(pictures), 64):
        results = compiled(pictures[start : start + 64])
        for name in names:
            values = results[name].ravel()
            step = max(1, values.size * max(1, len(pictures) // 64) // VALUES_PER_TENSOR)
            kept[name].append(values[::step].copy())
    ranges: Ranges = {}
    for name, parts in kept.items():
        values = np.concatenate(parts)
        low, high = np.percentile(values, [100 - PERCENTILE, PERCENTILE])
        ranges[name] = (min(0.0, float(low)), max(float(high), 1e-3))
    return ranges


def insert_fake_quantize(model: Any, ranges: Ranges) -> None:
    """Mark each convolution but the first as int8, in place: 256 activation levels, 255 symmetric weight levels.

    Batch norms are folded into the weights first: the weight grid has to be that of what is multiplied.
    The first convolution sees three channels; it costs little and loses most.
    """
    ops = openvino().opset13
    convolutions = _convolutions(model)[1:]
    for name, source in {_source_name(node): node.input_value(0) for node in convolutions}.items():
        low, high = ranges[name]
        bounds = [ops.constant(np.array(value, dtype=np.float32)) for value in (low, high, low, high)]
        # All readers of the tensor get the quantised one, so that a shortcut's sum stays in int8 too.
        readers = list(source.get_target_inputs())
        quantised = ops.fake_quantize(source, *bounds, 256)
        for reader in readers:
            reader.replace_source_output(quantised.output(0))
    for node in convolutions:
        _quantise_weights(node, ops)
    model.validate_nodes_and_infer_types()


def _quantise_weights(node: Any, ops: Any) -> None:
    norm = next(iter(node.output(0).get_target_inputs())).get_node()
    weights = _values(node.input_value(1))
    bias = None
    if norm.get_type_name() == "BatchNormInference":
        gamma, beta, mean, variance = (_values(norm.input_value(i)) for i in range(1, 5))
        factor = gamma / np.sqrt(variance + norm.get_attributes()["epsilon"])
        weights = weights * factor.reshape(-1, 1, 1, 1)
        bias = (beta - mean * factor).reshape(1, -1, 1, 1).astype(np.float32)
    largest = np.maximum(np.abs(weights).max(axis=(1, 2, 3), keepdims=True), 1e-8).astype(np.float32)
    low, high = ops.constant(-largest), ops.constant(largest)
    constant = ops.constant(weights.astype(np.float32))
    node.input(1).replace_source_output(ops.fake_quantize(constant, low, high, low, high, 255).output(0))
    if bias is not None:
        readers = list(norm.output(0).get_target_inputs())
        names = norm.output(0).get_names()
        biased = ops.add(node.output(0), ops.constant(bias))
        biased.output(0).set_names(names)
        for reader in readers:
            reader.replace_source_output(biased.output(0))


def _convolutions(model: Any) -> list[Any]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() in ("Convolution", "GroupConvolution")]


def _source_name(convolution: Any) -> str:
    return str(convolution.input_value(0).get_any_name())


def _values(output: Any) -> NDArray[np.float32]:
    """A constant's values, through the Convert that widens stored fp16."""
    node = output.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return np.asarray(node.get_data(), dtype=np.float32)
