"""The encoder folder: weights, graph, configuration, metrics and card, written whole and checked before use."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from encoder.external_data import external_places

if TYPE_CHECKING:
    from encoder.model import SimCLR

FORMAT = 1
WEIGHTS, GRAPH, CONFIG, METRICS, CARD = "model.safetensors", "model.onnx", "config.json", "metrics.json", "README.md"
RESIZE = "shorter side to input_size, centre crop"
LARGEST_JSON = 1 << 20
LARGEST_GRAPH = 16 << 20


class EncoderError(Exception):
    """An encoder cannot be saved, loaded or used; the message names the file or value and the remedy."""


class EncoderDamaged(EncoderError):
    """A file of an encoder folder is missing, changed or points outside the folder."""


@dataclass(frozen=True)
class OutputTransform:
    """A fixed linear map of pooled layer2 to layer4, fitted without labels: (features - mean) @ matrix."""

    mean: NDArray[np.float32]  # (f,), f is 1.75 times the backbone's dimension
    matrix: NDArray[np.float32]  # (f, d), d is the dimension of an embedding
    description: dict[str, Any]  # how it was fitted, for config.json


@dataclass(frozen=True)
class EncoderInfo:
    """What a folder says of its encoder. `id` names weights, graph and configuration, not metrics or card."""

    id: str  # 64 hexadecimal digits
    name: str
    dimension: int
    input_size: int  # side of the square picture, pixels
    resize: str
    mean: tuple[float, ...]  # per channel, of pixels in [0, 1]
    std: tuple[float, ...]
    config: dict[str, Any]
    metrics: dict[str, Any]
    path: Path


def encoder_id(config: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical configuration, which holds the SHA-256 of weights and graph."""
    content = {key: value for key, value in config.items() if key != "id"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_info(folder: Path) -> EncoderInfo:
    """Read config.json and metrics.json; cheap, the weights are not touched. Raises EncoderDamaged."""
    config = _read_json(folder / CONFIG)
    metrics = _read_json(folder / METRICS)
    try:
        if config["format"] != FORMAT:
            raise EncoderError(f"{folder / CONFIG} has format {config['format']}; this version reads format {FORMAT}")
        info = EncoderInfo(
            id=str(config["id"]),
            name=str(config["name"]),
            dimension=int(config["dimension"]),
            input_size=int(config["architecture"]["input_size"]),
            resize=str(config["preprocessing"]["resize"]),
            mean=tuple(float(value) for value in config["preprocessing"]["mean"]),
            std=tuple(float(value) for value in config["preprocessing"]["std"]),
            config=config,
            metrics=metrics,
            path=folder,
        )
        sound = (
            1 <= info.dimension <= 1 << 15
            and 8 <= info.input_size <= 1024
            and len(info.mean) == len(info.std) == 3
            and all(math.isfinite(value) for value in info.mean)
            and all(math.isfinite(value) and value > 0 for value in info.std)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderDamaged(f"{folder / CONFIG}: {error!r} is missing or wrong; copy the folder again") from error
    if not sound:
        raise EncoderDamaged(f"{folder / CONFIG} holds impossible sizes or statistics; copy the folder again")
    if encoder_id(config) != info.id:
        raise EncoderDamaged(f"{folder / CONFIG} was changed: its id does not match; copy the folder again")
    return info


def verify(folder: Path) -> EncoderInfo:
    """Check every file that the id names, and that the graph reads nothing but the weights beside it.

    Raises EncoderDamaged with the file and the remedy. Costs one SHA-256 of the weights.
    """
    info = load_info(folder)
    for name in (WEIGHTS, GRAPH):
        path = folder / name
        if not path.is_file() or path.is_symlink():
            raise EncoderDamaged(f"{path} is missing or not a plain file; copy the folder again")
        if file_digest(path) != info.config.get("files", {}).get(name):
            raise EncoderDamaged(f"{path} does not have the SHA-256 of {CONFIG}; copy the folder again")
    check_graph(folder)
    return info


def check_graph(folder: Path) -> None:
    """Raise EncoderDamaged unless all external data of model.onnx lies inside this folder's model.safetensors."""
    path = folder / GRAPH
    if path.stat().st_size > LARGEST_GRAPH:
        raise EncoderDamaged(f"{path} is larger than {LARGEST_GRAPH >> 20} MiB; a graph holds no weights")
    try:
        places = external_places(path.read_bytes())
    except ValueError as error:
        raise EncoderDamaged(f"{path} is not an ONNX graph ({error}); copy the folder again") from error
    size = (folder / WEIGHTS).stat().st_size
    for place in places:
        if place.location != WEIGHTS:
            raise EncoderDamaged(
                f"{path} asks for the file {place.location!r}; only {WEIGHTS} is allowed, do not use it"
            )
        if place.offset < 0 or place.length < 0 or place.offset + place.length > size:
            raise EncoderDamaged(f"{path} asks for bytes beyond the end of {WEIGHTS}; copy the folder again")


def save_encoder(
    folder: Path,
    model: SimCLR,
    *,
    name: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    training: dict[str, Any],
    metrics: dict[str, Any],
    output: OutputTransform | None = None,
    calibration: NDArray[np.uint8] | None = None,
    parent: str | None = None,
) -> EncoderInfo:
    """Write the backbone of `model` as an encoder folder; an encoder that was there is replaced at the end.

    `calibration` is (n, s, s, 3) uint8: the first half sets the int8 ranges, the second measures the gate, whose
    result goes to metrics["int8"]; without it the encoder has no int8 form. The projection head is not kept.
    Raises EncoderError when `folder` exists and is something else.
    """
    from safetensors.numpy import save_file

    from encoder.export import export_onnx  # torch and onnx are needed to save, never to serve

    if folder.exists() and not (folder / CONFIG).is_file() and any(folder.iterdir()):
        raise EncoderError(f"{folder} exists and is not an encoder; choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    partial.chmod(0o755)
    try:
        save_file(_stored_tensors(model, output), partial / WEIGHTS)
        (partial / WEIGHTS).chmod(0o644)
        size = model.architecture.input_size
        graph = export_onnx(model.backbone, folder=partial, size=size, mean=mean, std=std)
        (partial / GRAPH).write_bytes(graph)
        config: dict[str, Any] = {
            "format": FORMAT,
            "name": name,
            "method": training.get("config", {}).get("method", "simclr"),
            "parent": parent,
            "architecture": dataclasses.asdict(model.architecture),
            "dimension": output.matrix.shape[1] if output else model.architecture.dimension(),
            "preprocessing": {"resize": RESIZE, "mean": list(mean), "std": list(std)},
            "output": output.description if output else None,
            "training": training,
            "int8": None,
            "files": {WEIGHTS: file_digest(partial / WEIGHTS), GRAPH: file_digest(partial / GRAPH)},
        }
        if calibration is not None:
            from encoder.gate import calibrate_folder

            half = len(calibration) // 2
            ranges, gate = calibrate_folder(partial, pictures=calibration[:half], held_out=calibration[half:])
            config["int8"] = {"ranges": ranges}
            metrics = {**metrics, "int8": gate}
        config["id"] = encoder_id(config)
        _write_json(partial / CONFIG, config)
        _write_json(partial / METRICS, metrics)
        verify(partial)
        _move_into_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return load_info(folder)


def write_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    """Replace metrics.json in one step; the id does not change. Raises EncoderError when nobody could read it again."""
    if (size := len(_json_text(metrics).encode())) > LARGEST_JSON:
        raise EncoderError(f"{folder / METRICS} would have {size:,} bytes; {LARGEST_JSON:,} are read at most")
    _write_json(folder / METRICS, metrics)


def _stored_tensors(model: SimCLR, output: OutputTransform | None) -> dict[str, NDArray[Any]]:
    """Matrices as fp16, vectors as fp32: a batch norm's variance can leave fp16's range, and they weigh nothing."""
    tensors: dict[str, NDArray[Any]] = {}
    for key, tensor in model.backbone.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        values = tensor.detach().cpu().float().contiguous().numpy()
        if not np.isfinite(values).all() or (values.ndim > 1 and np.abs(values).max() > np.finfo(np.float16).max):
            raise EncoderError(f"the tensor {key} has values that fp16 cannot hold; train with a lower learning rate")
        tensors[f"backbone.{key}"] = values.astype(np.float16) if values.ndim > 1 else values
    if output is not None:
        tensors["output.mean"] = np.ascontiguousarray(output.mean, dtype=np.float32)
        tensors["output.matrix"] = np.ascontiguousarray(output.matrix, dtype=np.float32)
    return tensors


def _move_into_place(partial: Path, folder: Path) -> None:
    if not folder.exists():
        partial.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.rename(old / "encoder")
    partial.rename(folder)
    shutil.rmtree(old)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise EncoderDamaged(f"{path} is larger than {LARGEST_JSON >> 20} MiB; copy the folder again")
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise EncoderDamaged(f"{path} is missing; an encoder folder holds it, copy the folder again") from error
    except (OSError, ValueError) as error:
        raise EncoderDamaged(f"{path} cannot be read ({error}); copy the folder again") from error
    if not isinstance(content, dict):
        raise EncoderDamaged(f"{path} is not a JSON object; copy the folder again")
    return cast(dict[str, Any], content)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(_json_text(content), encoding="utf-8")
    partial.replace(path)


def _json_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
