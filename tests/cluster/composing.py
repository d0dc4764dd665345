"""Compose files as Compose reads them: variables filled in, one file laid over another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
MAIN, HEAD, NODE = (ROOT / name for name in ("docker-compose.yml", "compose.head.yml", "compose.node.yml"))
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")

Service = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """A file as it stands."""
    values: dict[str, Any] = yaml.safe_load(path.read_text())
    return values


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """The same with every ${NAME}, ${NAME:-default} and ${NAME:?message} filled in; KeyError for a missing one."""
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name, how, rest = match.groups()
        given = variables.get(name, "")
        if given or how == "-":
            return given or str(rest)
        raise KeyError(name)

    return VARIABLE.sub(fill, value)


def laid_over(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """What `-f base -f over` makes: mappings are merged, ports and volumes added, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = laid_over(before, value)
        elif isinstance(before, list) and key in ("ports", "volumes"):
            merged[key] = [*before, *value]
        else:
            merged[key] = value
    return merged


def services(path: Path) -> dict[str, Service]:
    """The services of a file."""
    found: dict[str, Service] = read(path)["services"]
    return found


def ours(path: Path) -> dict[str, Service]:
    """Those of them that run our code."""
    return {name: service for name, service in services(path).items() if "build" in service}


def variables_of(path: Path) -> dict[str, set[str]]:
    """Name of each variable in a file -> the ways in which it is written: `?` must be given, `-` has a default."""
    found: dict[str, set[str]] = {}
    code = re.sub(r"(?m)^\s*#.*$", "", path.read_text())
    for name, how, _ in VARIABLE.findall(code):
        found.setdefault(name, set()).add(how)
    return found
