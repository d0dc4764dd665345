"""A second encoder at the price of a copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from deploy.encoder_setup import SHIPPED
from encoder.folder import encoder_id


def renamed(folder: Path, name: str) -> Path:
    """The shipped encoder under another name, and so another id."""
    shutil.copytree(SHIPPED, folder)
    config = json.loads((folder / "config.json").read_text())
    config["name"] = name
    config["id"] = encoder_id(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
