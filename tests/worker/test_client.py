"""What the web server imports to speak to the workers stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_client_loads_no_heavy_library() -> None:
    code = (
        "import sys, worker.client\n"
        "heavy = {'torch', 'lightly', 'openvino', 'PIL', 'pymilvus', 'ingest', 'encoder', 'simplejpeg'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
