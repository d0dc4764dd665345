"""Embedder: a batch of uint8 pictures in, unit float32 vectors out, by torch or by OpenVINO; torch is optional."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from encoder.folder import EncoderError, EncoderInfo, verify

EngineName = Literal["auto", "torch", "openvino"]
Precision = Literal["auto", "int8", "fp32"]


class Engine(Protocol):
    """What runs the network."""

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, s, s, 3) uint8 -> (n, d) float32, unit rows."""
        ...


class Embedder:
    """One loaded encoder. Images and queries go through the same object, so they are preprocessed alike."""

    def __init__(self, info: EncoderInfo, run: Engine, *, engine: str, precision: str) -> None:
        self.info = info
        self.engine = engine
        self.precision = precision
        self._run = run

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        engine: EngineName = "auto",
        precision: Precision = "auto",
        device: str = "auto",
        threads: int = 0,
        latency: bool = False,
    ) -> Embedder:
        """Verify the folder and make it ready.

        engine 'auto' is torch on a CUDA device, else OpenVINO. precision 'auto' is int8 where the stored gate was
        passed. threads 0 leaves the number to the engine. latency tunes OpenVINO for
        single pictures instead of bulk. Raises EncoderDamaged, and EncoderError for a choice that cannot be met.
        """
        info = verify(Path(folder))
        device = pick_device(device)
        if engine == "auto":
            engine = "openvino" if device == "cpu" else "torch"
        if engine == "torch":
            if precision == "int8":
                raise EncoderError("the torch engine has no int8; choose precision fp32 or the engine openvino")
            if importlib.util.find_spec("torch") is None:
                raise EncoderError("the torch engine needs the extra 'train'; install it or use the engine openvino")
            from encoder.torch_engine import TorchEngine

            return cls(info, TorchEngine(info, device=device, threads=threads), engine="torch", precision="fp32")
        if engine != "openvino":
            raise EncoderError(f"there is no engine {engine!r}; choose auto, torch or openvino")
        if device != "cpu":
            raise EncoderError(f"the engine openvino runs on the CPU, not on {device}; choose the engine torch")
        run, chosen = _load_openvino(info, precision=precision, threads=threads, latency=latency)
        return cls(info, run, engine="openvino", precision=chosen)

    @property
    def input_size(self) -> int:
        """Side of a picture, pixels."""
        return self.info.input_size

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.info.dimension

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, s, s, 3) uint8 RGB, any n -> (n, d) float32 of length 1. Raises EncoderError on another shape or type."""
        side = self.input_size
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[1:] != (side, side, 3):
            found = f"{pictures.shape} {pictures.dtype}"
            raise EncoderError(f"this encoder takes (n, {side}, {side}, 3) uint8, not {found}; decode at its size")
        if len(pictures) == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._run.embed(np.ascontiguousarray(pictures))


def pick_device(device: str) -> str:
    """'auto' -> 'cuda:0' where torch sees a GPU, else 'cpu'; torch is only imported where a driver is installed."""
    if device != "auto":
        return device
    driver = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
    if driver and importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            return "cuda:0"
    return "cpu"


def _load_openvino(info: EncoderInfo, *, precision: str, threads: int, latency: bool) -> tuple[Engine, str]:
    if importlib.util.find_spec("openvino") is None:
        raise EncoderError("OpenVINO is not installed; install ruiji's base packages again or use the engine torch")
    from encoder.openvino_engine import OpenVinoEngine

    def build(ranges: Any) -> OpenVinoEngine:
        return OpenVinoEngine(info.path, ranges=ranges, threads=threads, latency=latency)

    if precision not in ("auto", "int8", "fp32"):
        raise EncoderError(f"there is no precision {precision!r}; choose auto, int8 or fp32")
    stored = info.config.get("int8")
    ranges = {name: (float(low), float(high)) for name, (low, high) in stored["ranges"].items()} if stored else None
    if precision == "int8":
        if ranges is None:
            raise EncoderError(f"{info.path} has no int8 ranges; save it with calibration pictures or use fp32")
        return build(ranges), "int8"
    passed = ranges is not None and info.metrics.get("int8", {}).get("passed") is True
    # Never by a stopwatch: every worker has to make the same vectors, and int8 is the faster even without VNNI.
    chosen = "int8" if precision == "auto" and passed else "fp32"
    return build(ranges if chosen == "int8" else None), chosen
