"""`make clean` takes what can be made again, and never a person's labels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN, DEMO, INSTALLED = ".demo/own/ledger.db", ".demo/home/ledger.db", ".venv/bin/ruiji"


@pytest.mark.parametrize(
    ("target", "left"), [("clean", [DEMO, OWN]), ("clean-demo", [OWN, INSTALLED])], ids=["clean", "clean-demo"]
)
def test_what_a_target_leaves(tmp_path: Path, target: str, left: list[str]) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    files = [tmp_path / name for name in (OWN, DEMO, INSTALLED, ".demo/photos/labelled/cat/1.jpg")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("made")
    subprocess.run(["make", target], cwd=tmp_path, check=True, capture_output=True)
    here = sorted(file.relative_to(tmp_path).as_posix() for file in files if file.exists())
    photos = [".demo/photos/labelled/cat/1.jpg"] if target == "clean" else []
    assert here == sorted(left + photos)


def test_help_names_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    makefile = (ROOT / "Makefile").read_text()
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY:"))
    for target in phony.split()[1:]:
        assert target == "help" or target in shown.split(), target
    assert ".DELETE" not in shown
