"""OpenVINO on model.onnx: compiles the graph for this CPU, in fp32 or int8, and runs batches."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.graph import openvino, read_model
from encoder.quantise import Ranges, insert_fake_quantize

BATCH = 64  # pictures a request; larger ones gain nothing on a CPU and cost memory


class OpenVinoEngine:
    """A compiled encoder. `ranges` turns it into int8. Safe to call from several threads, one at a time inside."""

    def __init__(
        self, folder: Path, *, ranges: Ranges | None, threads: int = 0, latency: bool = False, tensor: str | None = None
    ) -> None:
        """`tensor` names another (n, d) tensor of the graph to return in place of the embeddings."""
        model = read_model(folder)
        if ranges is not None:
            insert_fake_quantize(model, ranges)
        output = 0
        if tensor is not None:
            output = len(model.outputs)
            model.add_outputs(tensor)
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY" if latency else "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": "f32",  # newer CPUs would choose bf16 by themselves
            "ENABLE_CPU_PINNING": False,  # several workers on one machine would all pin to the same cores
        }
        if threads > 0:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._compiled = openvino().Core().compile_model(model, "CPU", settings)
        self._queue = openvino().AsyncInferQueue(self._compiled)
        self._lock = threading.Lock()
        self._output = output
        self.dimension = int(self._compiled.output(output).partial_shape[1].get_length())

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, s, s, 3) uint8 -> (n, d) float32, unit rows."""
        vectors = np.empty((len(pictures), self.dimension), dtype=np.float32)

        def keep(request: Any, start: int) -> None:
            result = request.get_output_tensor(self._output).data
            vectors[start : start + len(result)] = result

        with self._lock:
            self._queue.set_callback(keep)
            for start in range(0, len(pictures), BATCH):
                self._queue.start_async({0: pictures[start : start + BATCH]}, start)
            self._queue.wait_all()
        return vectors

    def int8_convolutions(self) -> str:
        """How many convolutions really run as int8 kernels on this CPU, such as '19 of 20'."""
        nodes = self._compiled.get_runtime_model().get_ops()
        kinds = [node.get_rt_info() for node in nodes]
        precisions = [
            info["runtimePrecision"].astype(str) for info in kinds if info["layerType"].astype(str) == "Convolution"
        ]
        return f"{sum(precision in ('u8', 'i8') for precision in precisions)} of {len(precisions)}"
