"""Another encoder at the price of a copy of the shipped one: under another name, or with other vectors too."""

from __future__ import annotations

import json
import re
import shutil
import struct
from pathlib import Path

import numpy as np

from deploy.encoder_setup import SHIPPED
from encoder.folder import encoder_id, file_digest


def renamed(folder: Path, name: str) -> Path:
    """The shipped encoder under another name, and so another id."""
    shutil.copytree(SHIPPED, folder)
    config = json.loads((folder / "config.json").read_text())
    config["name"] = name
    config["id"] = encoder_id(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def different(folder: Path, name: str, *, seed: int = 1) -> Path:
    """An encoder with vectors of its own: the shipped one with the last weights of its network scaled at random."""
    renamed(folder, name)
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    entries = json.loads(data[8 : 8 + length])
    last = max(key for key in entries if key.startswith("backbone.") and re.search(r"\.bn\d\.weight$", key))
    start, end = (8 + length + offset for offset in entries[last]["data_offsets"])
    if entries[last]["dtype"] != "F32":
        raise ValueError(f"{last} of the shipped encoder holds {entries[last]['dtype']} instead of F32")
    values = np.frombuffer(data[start:end], "<f4")
    data[start:end] = (values * np.random.default_rng(seed).uniform(0.0, 3.0, len(values))).astype("<f4").tobytes()
    path.write_bytes(data)
    config = json.loads((folder / "config.json").read_text())
    config["files"]["model.safetensors"] = file_digest(path)
    config["id"] = encoder_id(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
