"""The ONNX graph of an encoder, written node by node so that its weights stay in model.safetensors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import fx, nn

from encoder.folder import EncoderError
from encoder.model import POOLED_LAYERS

WEIGHTS_FILE = "model.safetensors"
OPSET = 18
FEATURES = "features"  # pooled layer2 to layer4, what the output transform is fitted to
ELEMENT_TYPES = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}


@dataclass
class GraphBuilder:
    """Collects nodes; a stored tensor becomes an initializer that points into the safetensors file."""

    stored: dict[str, dict[str, Any]]  # header of the safetensors file: dtype, shape, data_offsets
    data_start: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append one node and return the name of its output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """A small constant that lives in the graph itself."""
        self.initializers[name] = numpy_helper.from_array(values, name)
        return name

    def weight(self, name: str) -> str:
        """A stored tensor as float32: fp16 ones pass through a Cast, which engines fold when they compile."""
        entry = self.stored[name]
        if name not in self.initializers:
            begin, end = entry["data_offsets"]
            tensor = TensorProto(name=name, data_type=ELEMENT_TYPES[entry["dtype"]], dims=entry["shape"])
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": WEIGHTS_FILE, "offset": self.data_start + begin, "length": end - begin}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            self.initializers[name] = tensor
            if entry["dtype"] == "F16":
                self.add("Cast", [name], f"{name}.fp32", to=TensorProto.FLOAT)
        return f"{name}.fp32" if entry["dtype"] == "F16" else name


def safetensors_header(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """Header of a safetensors file by tensor name, and the offset of its first data byte."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = cast(dict[str, dict[str, Any]], json.loads(stream.read(length)))
    header.pop("__metadata__", None)
    return header, 8 + length


def export_onnx(
    backbone: nn.Module, *, folder: Path, size: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> bytes:
    """ONNX bytes of the graph (n, s, s, 3) uint8 -> (n, d) float32 of length 1, for `folder`'s model.safetensors.

    The backbone is any torchvision ResNet: convolutions, batch norms, ReLUs, sums and pools. The tensors are
    looked up as `backbone.<name of the parameter>`; `output.mean` and `output.matrix` are applied if stored.
    """
    stored, data_start = safetensors_header(folder / WEIGHTS_FILE)
    graph = GraphBuilder(stored=stored, data_start=data_start)
    scale = np.array([1 / (255 * s) for s in std], dtype=np.float32).reshape(1, 3, 1, 1)
    shift = np.array([-m / s for m, s in zip(mean, std, strict=True)], dtype=np.float32).reshape(1, 3, 1, 1)
    graph.add("Cast", ["pictures"], "pictures.fp32", to=TensorProto.FLOAT)
    graph.add("Transpose", ["pictures.fp32"], "planes", perm=[0, 3, 1, 2])
    graph.add("Mul", ["planes", graph.constant("scale", scale)], "scaled")
    graph.add("Add", ["scaled", graph.constant("shift", shift)], "normalised")

    layers, pooled = _add_backbone(graph, backbone.eval(), source="normalised")
    if "output.matrix" in stored:
        parts = []
        for layer in POOLED_LAYERS:
            graph.add("GlobalAveragePool", [layers[layer]], f"{layer}.pooled")
            parts.append(graph.add("Flatten", [f"{layer}.pooled"], f"{layer}.flat", axis=1))
        graph.add("Concat", parts, FEATURES, axis=1)
        graph.add("Sub", [FEATURES, graph.weight("output.mean")], "centred")
        pooled = graph.add("MatMul", ["centred", graph.weight("output.matrix")], "whitened")
    graph.add("ReduceL2", [pooled, graph.constant("axis", np.array([1], dtype=np.int64))], "length", keepdims=1)
    graph.add("Max", ["length", graph.constant("smallest", np.array(1e-12, dtype=np.float32))], "divisor")
    graph.add("Div", [pooled, "divisor"], "embeddings")

    dimension = stored["output.matrix"]["shape"][1] if "output.matrix" in stored else None
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "encoder",
            [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", size, size, 3])],
            [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", dimension or "d"])],
            initializer=list(graph.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
        producer_name="ruiji",
    )
    return cast(bytes, model.SerializeToString(deterministic=True))


def _add_backbone(graph: GraphBuilder, backbone: nn.Module, *, source: str) -> tuple[dict[str, str], str]:
    """Append the traced network; returns the names of the outputs of its layers, and of the pooled last one."""
    traced = fx.symbolic_trace(backbone)
    modules = dict(traced.named_modules())
    names: dict[str, str] = {}
    layers: dict[str, str] = {}
    for node in traced.graph.nodes:
        inputs = [names[item.name] for item in node.all_input_nodes]
        if node.op == "placeholder":
            names[node.name] = source
        elif node.op == "output":
            return layers, inputs[0]
        elif node.op == "call_module":
            names[node.name] = _add_module(graph, modules[node.target], node=node, source=inputs[0])
            # The last module of a layer is the ReLU behind its last sum, so what stays here is the layer's output.
            layers[node.target.split(".")[0]] = names[node.name]
        elif node.op == "call_function" and node.target.__name__ in ("add", "iadd"):
            names[node.name] = graph.add("Add", inputs, node.name)
        elif node.op == "call_function" and node.target.__name__ == "flatten":
            names[node.name] = graph.add("Flatten", inputs, node.name, axis=1)
        else:
            raise EncoderError(f"no ONNX node for {node.op} {node.target}; only torchvision's ResNets can be saved")
    raise AssertionError("a traced network always has an output")


def _add_module(graph: GraphBuilder, module: nn.Module, *, node: fx.Node, source: str) -> str:
    path = f"backbone.{node.target}"
    match module:
        case nn.Identity():
            return source
        case nn.Conv2d():
            return graph.add(
                "Conv",
                [source, graph.weight(f"{path}.weight")],
                node.name,
                kernel_shape=list(module.kernel_size),
                strides=list(module.stride),
                pads=[int(side) for side in module.padding] * 2,
                group=module.groups,
            )
        case nn.BatchNorm2d():
            tensors = [graph.weight(f"{path}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
            return graph.add("BatchNormalization", [source, *tensors], node.name, epsilon=module.eps)
        case nn.ReLU():
            return graph.add("Relu", [source], node.name)
        case nn.MaxPool2d():
            side, step, pad = (int(cast(int, v)) for v in (module.kernel_size, module.stride, module.padding))
            return graph.add(
                "MaxPool", [source], node.name, kernel_shape=[side] * 2, strides=[step] * 2, pads=[pad] * 4
            )
        case nn.AdaptiveAvgPool2d():
            return graph.add("GlobalAveragePool", [source], node.name)
    raise EncoderError(f"no ONNX node for a {type(module).__name__}; only torchvision's ResNets can be saved")
