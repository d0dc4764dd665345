"""deploy/Dockerfile: what .dockerignore lets into the images is enough to run, and only one of the two has torch."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from bench.surroundings import surroundings
from tests.cluster.composing import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
# Every entry point of a container, and what each loads when it begins to work.
ENTRIES = "ruiji, deploy.prepare, deploy.node, deploy.healthy, deploy.gunicorn_server, webui.wsgi, worker.service"
PREPARE = """
import json, sys
from pathlib import Path
import {entries}
import worker.queries, worker.embedding, worker.indexing, worker.beat, worker.tasks, encoder.openvino_engine
from deploy.prepare import prepare
from settings import Settings
print(prepare(Settings()))
ours = [m.__file__ for m in list(sys.modules.values()) if (getattr(m, "__file__", None) or "").endswith(".py")]
print(json.dumps([name for name in ours if name.startswith({checkout!r}) and "/.venv/" not in name]))
"""


def stages() -> dict[str, tuple[str, str]]:
    """Name of each stage -> what it starts from, and its lines."""
    found = re.split(r"^FROM (\S+) AS (\S+)\n", DOCKERFILE, flags=re.MULTILINE)[1:]
    return {found[at + 1]: (found[at], found[at + 2]) for at in range(0, len(found), 3)}


def lines_of(stage: str) -> str:
    """All that a stage is made of, those that it starts from included."""
    made = stages()
    base, lines = made[stage]
    return (lines_of(base) if base in made else "") + lines


def matches(name: str, pattern: str) -> bool:
    """As Docker reads a pattern: for the file or a folder above it, and a star stays within one name."""
    names, parts = name.split("/"), pattern.split("/")
    if parts[0] == "**":
        return any(matches("/".join(names[at:]), "/".join(parts[1:])) for at in range(len(names)))
    return len(names) >= len(parts) and all(map(fnmatchcase, names, parts))


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `COPY . .` copies: the committed files that .dockerignore lets through, by its last rule that matches."""
    rules = (ROOT / ".dockerignore").read_text().split()
    committed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True)
    copy = tmp_path_factory.mktemp("image")
    for name in committed.stdout.decode().split("\0"):
        taken = True
        for rule in rules:
            if matches(name, rule.removeprefix("!")):
                taken = rule.startswith("!")
        if name and taken and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def test_every_package_and_its_files_are_in_the_image(context: Path) -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package in setuptools["packages"]:
        here = {path.name for path in (ROOT / package.replace(".", "/")).glob("*.py")}
        assert {path.name for path in (context / package.replace(".", "/")).glob("*.py")} == here, package
    for module in setuptools["py-modules"]:
        assert (context / f"{module}.py").is_file()
    assert (context / "encoder" / "shipped" / "model.onnx").is_file()
    assert {path.name for path in context.iterdir()}.isdisjoint({"tests", "docs", ".git", ".env", ".venv"})


def test_it_runs_from_nothing_but_that(context: Path, tmp_path: Path) -> None:
    program = PREPARE.format(entries=ENTRIES, checkout=f"{ROOT}/")
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env={**surroundings(RUIJI_HOME=str(tmp_path / "home")), "PYTHONPATH": str(context)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ready, modules = done.stdout.strip().splitlines()
    assert ready.startswith("ready: encoder ")
    assert modules == "[]"  # the checkout gave nothing


def test_one_image_has_torch_and_the_other_does_not() -> None:
    locks = {name: set(re.findall(r"-r requirements/(\w+)\.lock", lines_of(name))) for name in ("serve", "gpu")}
    assert locks == {"serve": {"tools", "server"}, "gpu": {"tools", "server", "train"}}
    has_torch = {
        lock: bool(re.search(r"^torch==", (ROOT / "requirements" / f"{lock}.lock").read_text(), flags=re.MULTILINE))
        for lock in ("tools", "server", "train")
    }
    assert has_torch == {"tools": False, "server": False, "train": True}


def test_code_comes_last_and_nobody_is_root() -> None:
    for name in ("serve", "gpu"):
        lines = lines_of(name)
        assert lines.index("COPY . .") > lines.rindex("-r requirements/")
        assert lines.rindex("USER ruiji") > lines.rindex("RUN ")
        assert "--uid 10001" in lines
        assert lines.count("--require-hashes") == lines.count("-r requirements/")
