"""One measurement as one JSON object: the figures, and all that is needed to believe or repeat them."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
VERSIONS = ("ruiji", "numpy", "openvino", "pillow", "simplejpeg", "pymilvus", "milvus-lite", "sqlalchemy", "torch")


def publish(name: str, figures: Mapping[str, Any], *, folder: Path = RESULTS, **setting: Any) -> None:
    """Write `folder`/NAME.json and print it as one line; `setting` is how it was measured (engine, picture size…)."""
    result = {
        "benchmark": name,
        **rounded(figures),
        **setting,
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result), flush=True)


def rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures to four significant digits: more would be noise."""
    shown: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            shown[name] = rounded(value)
        else:
            shown[name] = float(f"{value:.4g}") if isinstance(value, float) else value
    return shown


def machine() -> dict[str, Any]:
    """Processor, cores, memory, GPU, and how busy the machine was with other things."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpu": _gpu(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Of what the figures depend on, where it is installed."""
    found = {}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit that was measured, marked when files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    if not (shutil.which("git") and (head := git("rev-parse", "--short=12", "HEAD"))):
        return "unknown"
    # The results themselves are what a measurement changes.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results", ":!README.md")
    return head + ("+changes" if changed else "")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu() -> str | None:
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    done = subprocess.run(
        [command, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return ", ".join(done.stdout.split("\n")).strip(", ") if done.returncode == 0 else None
