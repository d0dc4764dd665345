"""The Kubernetes manifests as kustomize would put them together: resources of a folder, and patches laid over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.composing import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
# What a kustomization of ours may say; the rest is not built here, so it must not be used.
SAYS = {"apiVersion", "kind", "namespace", "resources", "patches"}
Manifest = dict[str, Any]


def documents(path: Path) -> list[Manifest]:
    """The manifests of a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def kustomization(folder: Path) -> dict[str, Any]:
    """What the folder's kustomization.yaml says."""
    [said] = documents(folder / "kustomization.yaml")
    assert set(said) <= SAYS, folder
    return said


def built(folder: Path) -> list[Manifest]:
    """All manifests of a folder, patched. AssertionError for a patch whose object is not there."""
    said = kustomization(folder)
    found: list[Manifest] = []
    for name in said.get("resources", []):
        path = (folder / name).resolve()
        found += built(path) if path.is_dir() else documents(path)
    if "namespace" in said:
        for manifest in found:
            if manifest["kind"] not in ("Namespace", "PersistentVolume"):
                manifest["metadata"]["namespace"] = said["namespace"]
    for patch in said.get("patches", []):
        for change in documents(folder / patch["path"]):
            same = [number for number, manifest in enumerate(found) if identity(manifest) == identity(change)]
            assert len(same) == 1, f"{folder.name}/{patch['path']} patches nothing that is there"
            found[same[0]] = merged(found[same[0]], change)
    return found


def identity(manifest: Manifest) -> tuple[str, str, str, str]:
    """What makes a manifest the same object as another."""
    metadata = manifest["metadata"]
    return manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def merged(value: Any, change: Any) -> Any:
    """A strategic merge as far as it is used: mappings, lists of things with names, null to take away."""
    if isinstance(value, dict) and isinstance(change, dict):
        result = dict(value)
        for key, item in change.items():
            if item is None:
                assert key in result, f"{key} is not there to be taken away"
                del result[key]
            else:
                result[key] = merged(result[key], item) if key in result else item
        return result
    if isinstance(value, list) and isinstance(change, list) and _named(value) and _named(change):
        by_name = {item["name"]: item for item in value}
        for item in change:
            by_name[item["name"]] = merged(by_name[item["name"]], item)
        return list(by_name.values())
    return change


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, dict[str, Any]]]:
    """Name, manifest and pod specification of each that starts pods."""
    for manifest in manifests:
        template = manifest.get("spec", {}).get("template")
        if template is not None:
            yield manifest["metadata"]["name"], manifest, template["spec"]


def _named(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "name" in item for item in items)
