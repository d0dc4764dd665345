"""The rules that keep the parts apart, read from the source itself."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("encoder", "catalog", "ingest", "curate", "worker", "webui", "deploy", "bench")
OURS = {*PACKAGES, "ruiji", "settings", "tests"}

# What each package may import of ours besides itself. deploy, bench and ruiji.py may import anything.
ALLOWED: dict[str, set[str]] = {
    "encoder": set(),
    "catalog": set(),
    "ingest": {"catalog"},
    "curate": {"catalog"},
    "worker": {"encoder", "catalog", "ingest", "curate"},
    "webui": {"catalog", "curate", "worker.client"},
}
# Only entry points read settings; everything else takes arguments.
READ_SETTINGS = re.compile(r"^(ruiji|webui/wsgi|worker/(service|beat)|deploy/.*|bench/.*)\.py$")
# Modules that run code hidden in data.
FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@cache
def sources() -> tuple[Path, ...]:
    """Every Python file of the product, below the root."""
    found = [ROOT / "ruiji.py", ROOT / "settings.py"]
    found += [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return tuple(sorted(found))


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    """A file as it is called in messages."""
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever in it; `from a import b` gives both a and a.b."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_packages_import_only_what_they_may() -> None:
    wrong = []
    for path in sources():
        package = path.relative_to(ROOT).parts[0]
        for found in imports(path):
            top = found.partition(".")[0]
            if package not in ALLOWED or top not in OURS or top in (package, "settings"):
                continue
            if not any(found == allowed or found.startswith(allowed + ".") for allowed in ALLOWED[package]):
                # `from worker import client` gives `worker` first, and `worker.client` after it.
                if found in {allowed.partition(".")[0] for allowed in ALLOWED[package] if "." in allowed}:
                    continue
                wrong.append(f"{name(path)} imports {found}")
    assert wrong == []


def test_only_entry_points_read_settings() -> None:
    wrong = [
        name(path)
        for path in sources()
        if "settings" in {found.partition(".")[0] for found in imports(path)} and not READ_SETTINGS.match(name(path))
    ]
    assert wrong == []


def test_only_the_index_knows_milvus() -> None:
    users = {name(path) for path in sources() if "pymilvus" in {found.partition(".")[0] for found in imports(path)}}
    assert users
    measured_beside = {"bench/milvus_server.py", "bench/search_peers.py"}  # the server's start, and rivals of the index
    assert all(re.match(r"^catalog/index\w*\.py$", user) for user in users - measured_beside), users


def test_nothing_runs_code_that_came_as_data() -> None:
    wrong = []
    for path in sources():
        wrong += [f"{name(path)} imports {found}" for found in imports(path) if found.partition(".")[0] in FORBIDDEN]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
                wrong.append(f"{name(path)}:{node.lineno} calls {node.func.id}")
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                if (keyword.arg, ast.unparse(keyword.value)) in {
                    ("allow_pickle", "True"),
                    ("weights_only", "False"),
                    ("shell", "True"),
                }:
                    wrong.append(f"{name(path)}:{node.lineno} says {keyword.arg}={ast.unparse(keyword.value)}")
    assert wrong == []


def test_every_module_opens_with_one_sentence() -> None:
    wrong = []
    for path in sources():
        text = ast.get_docstring(tree(path)) or ""
        first = text.split("\n\n")[0].replace("\n", " ").strip()
        if not first.endswith((".", ":")):
            wrong.append(f"{name(path)}: {first[:60]!r}")
    assert wrong == []


def test_files_stay_small() -> None:
    # But for migrations: each is a copy of tables that must never change again.
    files = [path for path in [*sources(), *(ROOT / "tests").rglob("*.py")] if "versions" not in path.parts]
    long = {name(path): len(path.read_text().splitlines()) for path in files}
    assert {path: lines for path, lines in long.items() if lines > 300} == {}


def test_no_file_is_a_drawer() -> None:
    wrong = [name(path) for path in sources() if path.stem in ("utils", "util", "helpers", "helper", "manager", "misc")]
    assert wrong == []


def test_tests_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert found == listed
    folders = {name(path.parent) for path in sources() if path.parent != ROOT}
    assert {folder.replace("/", ".") for folder in folders} == found, "a folder of modules without an __init__.py"


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [
        *project["dependencies"],
        *(item for items in project["optional-dependencies"].values() for item in items),
    ]
    declared = {re.split(r"[\[<>=!~; ]", item)[0].lower().replace("_", "-") for item in required}
    provided = importlib.metadata.packages_distributions()
    wrong = set()
    for path in sources():
        for found in imports(path):
            top = found.partition(".")[0]
            if top in OURS or top in sys.stdlib_module_names or top == "__future__":
                continue
            distributions = {item.lower().replace("_", "-") for item in provided.get(top, [top])}
            if not distributions & declared:
                wrong.add(f"{name(path)}: {top}")
    assert wrong == set()


@pytest.mark.parametrize("module", ["webui.wsgi", "worker.client"])
def test_the_web_process_loads_no_model_library(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "torchvision", "lightly", "openvino", "onnx", "sklearn", "matplotlib", "PIL", "encoder", "ingest"}
    assert set(done.stdout.split()) & heavy == set()
