"""This machine: versions, room on its disks, its GPU."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.sources import list_sources
from catalog.storage.address import is_object
from catalog.storage.pictures import PictureStorage
from deploy.checkup.finding import Finding, in_gb
from settings import Settings
from worker.identity import GPUS, code_version, gpu_names

SCARCE_BYTES = 2 * 1024**3
VERSIONS = ("celery", "redis", "pymilvus", "milvus-lite", "openvino", "sqlalchemy", "torch")
DRIVER = Path("/proc/driver/nvidia/version")
TORCH = (
    "import json, torch; print(json.dumps({'torch': torch.__version__, 'cuda': torch.version.cuda,"
    " 'count': torch.cuda.device_count() if torch.cuda.is_available() else 0}))"
)
TORCH_WITHIN_S = 120.0


def versions() -> Finding:
    """What is installed here."""
    found = [f"Ruiji {code_version()}", f"Python {sys.version.split()[0]}"]
    for name in VERSIONS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return Finding("versions", "note", ", ".join(found))


def room(settings: Settings, store: ArtifactStore) -> Iterator[Finding]:
    """Free disk where state, shards and runs are kept; folders on one disk are one finding."""
    places = {"home": settings.home, "runs": settings.runs_dir or settings.home / "runs"}
    if store.free_bytes() is not None:
        places["artifacts"] = Path(settings.resolved_artifacts_url().removeprefix("file://"))
    disks: dict[int, list[str]] = {}
    free: dict[int, int] = {}
    for name, path in places.items():
        if path.is_dir():
            disk = path.stat().st_dev
            disks.setdefault(disk, []).append(f"{name} {path}")
            free[disk] = shutil.disk_usage(path).free
    for disk, names in disks.items():
        size = free[disk]
        scarce = size < SCARCE_BYTES
        do = "free some space: a full disk stops ingests and labels, nothing that is saved is lost" if scarce else ""
        yield Finding("free disk", "wrong" if scarce else "ok", f"{in_gb(size)} for {', '.join(names)}", do)


def photos(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """Whether this machine sees each source, wherever it has it, and the free disk of those that are folders."""
    storage = PictureStorage.of(**settings.where_pictures_are())
    for counted in list_sources(ledger):
        root, name = counted.source.root, f"photos {counted.source.name}"
        if (trouble := storage.unseen(root)) is not None:
            yield Finding(name, "warning", "not seen by this machine", trouble)
            continue
        free = "" if is_object(root) else f", {in_gb(shutil.disk_usage(storage.here(root)).free)} free there"
        where = os.fsdecode(root if is_object(root) else storage.here(root))
        yield Finding(name, "ok", f"{counted.images:,} images in {where}{free}")


def gpu(settings: Settings, *, driver: Path = DRIVER, gpus: Path = GPUS) -> Finding:
    """The GPU as the driver sees it, and as torch does."""
    if not driver.exists():
        if settings.device.startswith("cuda"):
            return Finding(
                "GPU", "wrong", f"RUIJI_DEVICE is {settings.device}, and there is no NVIDIA driver",
                "install the driver, give the container its GPU, or set RUIJI_DEVICE to auto",
            )  # fmt: skip
        return Finding("GPU", "note", "no NVIDIA driver here: pictures are embedded on the CPU")
    said = re.search(r"(\d+\.\d+(?:\.\d+)*)", driver.read_text(errors="replace"))
    names = gpu_names(gpus)
    seen = f"{', '.join(names) or 'no GPU'}, driver {said[1] if said else 'unknown'}"
    if importlib.util.find_spec("torch") is None:
        return Finding("GPU", "warning", f"{seen}; torch is not installed, so the CPU embeds", "say `make setup`")
    try:
        torch = ask_torch()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Finding("GPU", "wrong", f"{seen}; torch does not start: {error}", "install it again: `make setup`")
    seen += f"; torch {torch['torch']}, CUDA {torch['cuda'] or 'none: a build for the CPU'}"
    if not torch["count"]:
        return Finding(
            "GPU", "wrong", f"{seen}, and it sees no GPU",
            "update the driver to one that knows this CUDA, or give the container its GPU (--gpus all)",
        )  # fmt: skip
    return Finding("GPU", "ok", f"{seen}, sees {torch['count']}")


def ask_torch() -> dict[str, str | int | None]:
    """In a process of its own, since its import takes seconds and 400 MB."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", TORCH], capture_output=True, text=True, timeout=TORCH_WITHIN_S, check=False
    )
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or ["no reason"])[-1])
    found: dict[str, str | int | None] = json.loads(done.stdout)
    return found
