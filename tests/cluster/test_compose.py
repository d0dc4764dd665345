"""The Compose files: valid by Compose's own schema, what they publish and keep secret, and whose commands they run."""

from __future__ import annotations

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main

import ruiji
from settings import Settings
from tests.cluster import composing
from tests.cluster.composing import HEAD, MAIN, NODE, ROOT

FILES = [MAIN, HEAD, NODE]
# What is as it was for one machine where nobody says otherwise; none of it is a secret.
PROXIED = {
    "RUIJI_ALLOWED_HOSTS": '["photos.example.org", "localhost", "web"]',
    "RUIJI_HTTPS": "true",
    "RUIJI_PROXIES": "1",
}
OPTIONAL = {"RUIJI_ARTIFACTS", *PROXIED}
OURS = [(path, name) for path in (MAIN, NODE) for name in sorted(composing.ours(path))]
each_of_ours = pytest.mark.parametrize(("path", "name"), OURS, ids=[f"{path.stem}-{name}" for path, name in OURS])


@pytest.fixture(scope="module")
def schema() -> Any:
    """Of the Compose specification, as check-jsonschema brings it."""
    folder = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    return json.loads((folder / "compose-spec.json").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_schema_of_compose_accepts_it(path: Path, schema: Any) -> None:
    document = composing.read(path)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(document)] == []
    name, service = next(iter(document["services"].items()))
    wrong = {**document, "services": {name: {**service, "hostnames": ["a"]}}}
    assert not validator.is_valid(wrong)  # it looks at what is in a service


def test_the_parts_are_all_there() -> None:
    assert set(composing.ours(MAIN)) == {"setup", "web", "query", "embed", "embed-gpu", "train", "index", "beat"}
    engines = set(composing.services(MAIN)) - set(composing.ours(MAIN))
    assert engines == {"redis", "postgres", "etcd", "minio", "milvus", "prometheus", "grafana"}
    assert set(composing.services(NODE)) == {"embed", "embed-gpu"}
    assert set(composing.services(HEAD)) <= engines


def test_a_profile_chooses_cpu_or_gpu_and_only_one_image_has_torch() -> None:
    for path in (MAIN, NODE):
        found = composing.ours(path)
        assert (found["embed"]["profiles"], found["embed-gpu"]["profiles"]) == (["cpu"], ["gpu"])
        on_gpus = {name: service for name, service in found.items() if service["build"]["target"] == "gpu"}
        assert set(on_gpus) == ({"embed-gpu", "train"} if path == MAIN else {"embed-gpu"})
        for service in on_gpus.values():
            [device] = service["deploy"]["resources"]["reservations"]["devices"]
            assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
        assert {name for name, service in found.items() if "deploy" in service} == set(on_gpus)
        images = {(service["build"]["target"], service["image"]) for service in found.values()}
        assert len(images) == 2  # one name for each target, or one would be built over the other


def test_only_page_and_dashboard_are_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in composing.services(MAIN).items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8765:8765"], "grafana": ["127.0.0.1:3000:3000"]}
    assert not any("ports" in service for service in composing.services(NODE).values())
    for path in FILES:
        for service in composing.services(path).values():
            assert "network_mode" not in service and not service.get("privileged")


def test_the_head_publishes_two_engines_on_its_private_address_over_tls() -> None:
    found = composing.services(HEAD)
    address = "${RUIJI_HEAD:?set it in .env}"
    assert {name: service["ports"] for name, service in found.items()} == {
        "redis": [f"{address}:6380:6380"],
        "postgres": [f"{address}:5432:5432"],
    }
    assert "--tls-port" in found["redis"]["command"] and "ssl=on" in found["postgres"]["command"]
    assert "--requirepass" in found["redis"]["command"]


def test_no_secret_has_a_default_and_the_example_names_all() -> None:
    example = (ROOT / ".env.example").read_text()
    named: set[str] = set()
    for path in FILES:
        for name, ways in composing.variables_of(path).items():
            named.add(name)
            assert ways == {"?"} or name in OPTIONAL, (path.name, name)
    assert named == set(re.findall(r"^(?:# )?([A-Z_]+)=", example, flags=re.MULTILINE))
    for path in FILES:
        for service in composing.services(path).values():
            for key, value in service.get("environment", {}).items():
                if re.search("PASSWORD|SECRET|AUTH|TOKEN", key):
                    assert composing.VARIABLE.fullmatch(value), (path.name, key)


@each_of_ours
def test_our_containers_can_change_little(path: Path, name: str) -> None:
    service = composing.ours(path)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    photos = [volume for volume in service["volumes"] if "/photos" in volume]
    assert photos and all(volume.endswith(":/photos:ro") for volume in photos)


@each_of_ours
def test_environment_names_real_settings(path: Path, name: str) -> None:
    known = {f"RUIJI_{field.upper()}" for field in Settings.model_fields}
    assert set(composing.ours(path)[name]["environment"]) <= known


@each_of_ours
def test_settings_accept_the_environment(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = {**dict.fromkeys(composing.variables_of(path), "x"), **PROXIED}
    for key, value in composing.filled(composing.ours(path)[name]["environment"], variables).items():
        monkeypatch.setenv(key, value)
    settings = Settings()
    settings.check()
    assert settings.resolved_index_url() == "http://milvus:19530"
    assert [str(root) for root in settings.allowed_roots] == ["/photos"]


@pytest.mark.parametrize("given", [{}, PROXIED], ids=["on this machine", "behind a proxy"])
def test_people_sign_in_at_the_page_by_names_that_it_is_given(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = {**dict.fromkeys(composing.variables_of(MAIN), "x"), **dict.fromkeys(PROXIED, ""), **given}
    for key, value in composing.filled(composing.ours(MAIN)["web"]["environment"], variables).items():
        monkeypatch.setenv(key, value)
    settings = Settings()
    assert (settings.login, settings.https, settings.proxies) == ("always", bool(given), len(given) // 3)
    assert "localhost" in settings.allowed_hosts, "the container's own health check asks by it"
    assert ("photos.example.org" in settings.allowed_hosts) == bool(given)


@each_of_ours
def test_commands_are_ours(path: Path, name: str) -> None:
    service = composing.ours(path)[name]
    commands = [service["command"]]
    if "healthcheck" in service:
        assert service["healthcheck"]["test"][0] == "CMD"
        commands.append(service["healthcheck"]["test"][1:])
    for command in commands:
        if command[:2] == ["python", "-m"]:
            assert (ROOT / (command[2].replace(".", "/") + ".py")).is_file()
            continue
        assert command[0] == "ruiji"
        group = typer.main.get_command(ruiji.app)
        chosen = group.commands[command[1]]  # type: ignore[attr-defined]
        chosen.make_context(command[1], list(command[2:]))


@pytest.mark.parametrize("path", [MAIN, NODE], ids=lambda path: path.name)
def test_waits_for_what_it_needs_and_tells_how_it_is(path: Path) -> None:
    found = composing.services(path)
    for name, service in found.items():
        # One ends, and the other two questions would cost more than they tell: beat ends when it cannot go on.
        assert "healthcheck" in service or name in ("setup", "beat"), name
        for other, how in (service.get("depends_on") or {}).items():
            assert how["condition"] in ("service_healthy", "service_completed_successfully"), (name, other)
            if how["condition"] == "service_healthy":
                assert "healthcheck" in found[other], other
    if path == MAIN:
        assert all(
            "setup" in service["depends_on"] for name, service in composing.ours(MAIN).items() if name != "setup"
        )
        assert all("milvus" in found[name]["depends_on"] for name in ("web", "index"))


def test_versions_are_pinned() -> None:
    for path in (MAIN, NODE):
        for name, service in composing.services(path).items():
            tag = service["image"].rpartition(":")[2]
            assert re.search(r"\d+\.\d+\.\d+|\d\.\d+$|\d{4}-\d\d-\d\d", tag), f"{name} floats"
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, flags=re.MULTILINE)
    assert [base for base in bases if ":" in base] == [bases[0]]
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0])


def test_volumes_are_named_and_folders_are_given() -> None:
    declared = set(composing.read(MAIN)["volumes"])
    used = set()
    for service in composing.filled(
        composing.services(MAIN), dict.fromkeys(composing.variables_of(MAIN), "") | {"RUIJI_PHOTOS": "/p"} | PASSWORDS
    ).values():
        used |= {volume.partition(":")[0] for volume in service.get("volumes", [])}
    given = {name for name in used if name.startswith("./")}
    assert all((ROOT / name).exists() for name in given)
    assert used - given - {"/p"} == declared


def test_prometheus_asks_the_page_with_its_token() -> None:
    found = composing.services(MAIN)
    prometheus, web = found["prometheus"], found["web"]["environment"]
    inside = dict(reversed(volume.split(":")[:2]) for volume in prometheus["volumes"])
    config = composing.read(ROOT / inside["/etc/prometheus/prometheus.yml"])
    [scrape] = config["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["web:8765"]}]
    assert found["web"]["command"][-1] == "web:8765"
    assert "web" in json.loads(composing.filled(web["RUIJI_ALLOWED_HOSTS"], {}))
    [secret] = prometheus["secrets"]
    assert scrape["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    [variable] = re.findall(composing.VARIABLE, web["RUIJI_METRICS_TOKEN"])
    assert composing.read(MAIN)["secrets"][secret] == {"environment": variable[0]}
    assert [f"/etc/prometheus/{name}" in inside for name in config["rule_files"]] == [True]


def test_grafana_begins_with_our_dashboard_and_tells_nobody() -> None:
    grafana = composing.services(MAIN)["grafana"]
    inside = dict(reversed(volume.split(":")[:2]) for volume in grafana["volumes"])
    provisioning = ROOT / inside["/etc/grafana/provisioning"]
    [source] = composing.read(provisioning / "datasources" / "prometheus.yml")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    [provider] = composing.read(provisioning / "dashboards" / "ruiji.yml")["providers"]
    shown = f"{provider['options']['path']}/ruiji.json"
    assert (ROOT / inside[shown]) == ROOT / "deploy" / "grafana" / "ruiji.json"
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == shown
    for talk in ("REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES"):
        assert grafana["environment"][f"GF_ANALYTICS_{talk}"] == "false"


PASSWORDS = dict.fromkeys(
    ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "MINIO_PASSWORD", "METRICS_TOKEN", "GRAFANA_PASSWORD"), "a"
)
