"""The web process stays small: no torch, no picture library, no engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, re, sys
import webui.app
heavy = {"torch", "torchvision", "lightly", "PIL", "simplejpeg", "openvino", "sklearn", "onnx", "cv2"}
status = open("/proc/self/status").read()
print(json.dumps({
    "heavy": sorted(heavy & set(sys.modules)),
    "ours": sorted({name.split(".")[0] for name in sys.modules} & {"ingest", "encoder", "deploy", "settings"}),
    "mb": int(re.search(r"VmRSS:\\s+(\\d+)", status)[1]) / 1024,
}))
"""


def test_the_web_server_imports_neither_models_nor_picture_libraries() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["heavy"] == []
    assert found["ours"] == []
    assert found["mb"] < 250, found
