"""docker-compose.yml: what it publishes, what it keeps secret, and that its commands are ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def test_the_parts_are_all_there() -> None:
    assert set(OURS) == {"setup", "web", "query", "embed", "index", "beat"}
    assert set(SERVICES) - set(OURS) == {"redis", "postgres", "etcd", "minio", "milvus"}


def test_only_the_page_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8765:8765"]}
    assert not any("network_mode" in service or service.get("privileged") for service in SERVICES.values())


def test_no_secret_has_a_default() -> None:
    named = re.findall(r"\$\{([A-Z_]+)([^}]*)\}", TEXT)
    assert named
    assert all(rest.startswith(":?") for _, rest in named), named
    example = (ROOT / ".env.example").read_text()
    assert {name for name, _ in named} == set(re.findall(r"^([A-Z_]+)=$", example, flags=re.MULTILINE))


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_can_change_little(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    photos = [volume for volume in service["volumes"] if "/photos" in volume]
    assert photos and all(volume.endswith(":/photos:ro") for volume in photos)


@pytest.mark.parametrize("name", sorted(OURS))
def test_environment_names_real_settings(name: str) -> None:
    known = {f"RUIJI_{field.upper()}" for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) <= known


def test_settings_accept_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for key, value in OURS["web"]["environment"].items():
        monkeypatch.setenv(key, re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "secret", str(value)))
    settings = Settings()
    settings.check()
    assert settings.resolved_index_url() == "http://milvus:19530"
    assert [str(root) for root in settings.allowed_roots] == ["/photos"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_are_ours(name: str) -> None:
    command = OURS[name]["command"]
    if command[:2] == ["python", "-m"]:
        assert (ROOT / (command[2].replace(".", "/") + ".py")).is_file()
        return
    import typer.main

    import ruiji

    group = typer.main.get_command(ruiji.app)
    assert command[0] == "ruiji"
    chosen = group.commands[command[1]]  # type: ignore[attr-defined]
    chosen.make_context(command[1], list(command[2:]))


def test_waits_for_what_it_needs() -> None:
    for name, service in OURS.items():
        for other, how in (service.get("depends_on") or {}).items():
            assert how["condition"] in ("service_healthy", "service_completed_successfully"), (name, other)
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], other


def test_versions_are_pinned() -> None:
    for name, service in SERVICES.items():
        tag = service["image"].partition(":")[2]
        assert re.search(r"\d", tag), f"{name} floats"


def test_volumes_are_named() -> None:
    declared = set(yaml.safe_load(TEXT)["volumes"])
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {volume for volume in used if not volume.startswith("$")} == declared
