"""`ruiji bench`: finds a benchmark by name and hands it its arguments."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

import bench


def names() -> list[str]:
    """Benchmarks that are there: modules of `bench` with a `main`."""
    found = []
    for module in pkgutil.iter_modules(bench.__path__):
        path = importlib.util.find_spec(f"bench.{module.name}")
        if path is not None and path.origin and "def main(" in Path(path.origin).read_text(encoding="utf-8"):
            found.append(module.name)
    return found


def run(name: str, arguments: list[str]) -> int:
    """The benchmark's exit code; 2 for a name that is none."""
    if name == "list":
        print("\n".join(names()))
        return 0
    if name not in names():
        print(f"ruiji: there is no benchmark {name!r}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"bench.{name}").main(arguments))
