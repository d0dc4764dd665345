"""The Kubernetes manifests: valid by Kubernetes's and KEDA's own schemas, hardened, and running commands of ours."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
from cloudcoil.models.keda import v1alpha1 as keda

import ruiji
from settings import Settings
from tests.cluster.composing import MAIN, ROOT, services
from tests.cluster.manifests import FOLDER, Manifest, built, documents, identity, kustomization, pods

KUSTOMIZED = sorted(path.parent for path in FOLDER.rglob("kustomization.yaml"))
EXAMPLES = sorted((FOLDER / "examples").glob("*.yaml"))
VERSIONS = ("1.30", kubernetes_validate.latest_version())
KEDA = {"ScaledObject": keda.ScaledObject, "TriggerAuthentication": keda.TriggerAuthentication}
# The pods by the queue they serve, where their health is asked.
WORKERS = ["query", "embed", "index", "train"]

each_folder = pytest.mark.parametrize("folder", KUSTOMIZED, ids=lambda folder: folder.relative_to(FOLDER).as_posix())


def check(manifest: Manifest, version: str) -> None:
    """Raise what is wrong with it. Unknown fields are wrong too."""
    if manifest["apiVersion"].startswith("keda.sh/"):
        read = KEDA[manifest["kind"]].model_validate(copy.deepcopy(manifest))
        # KEDA's types, made from its definitions, pass over what they do not know: then it is missing here.
        assert read.model_dump(by_alias=True, exclude_unset=True, mode="json") == manifest
        return
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_accept_every_manifest(version: str) -> None:
    seen: list[Manifest] = []
    for folder in KUSTOMIZED:
        manifests = built(folder)
        assert len({identity(manifest) for manifest in manifests}) == len(manifests) > 10
        for manifest in manifests:
            if manifest not in seen:  # an overlay holds what its base holds, and to validate takes its time
                check(manifest, version)
                seen.append(manifest)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_schemas_accept_the_examples(path: Path) -> None:
    for manifest in documents(path):
        check(manifest, VERSIONS[-1])


def test_the_schemas_refuse_what_is_wrong() -> None:
    found = {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in built(FOLDER / "base")}
    web = copy.deepcopy(found["Deployment", "web"])
    web["spec"]["template"]["spec"]["containers"][0]["liveness"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="liveness"):
        check(web, VERSIONS[-1])
    for key, value in (("maxReplicaCount", "many"), ("maxReplicas", 3)):
        scaling = copy.deepcopy(found["ScaledObject", "embed"])
        scaling["spec"][key] = value
        with pytest.raises((ValueError, AssertionError)):
            check(scaling, VERSIONS[-1])


def test_every_file_is_named_by_a_kustomization() -> None:
    named = {folder / "kustomization.yaml" for folder in KUSTOMIZED}
    for folder in KUSTOMIZED:
        said = kustomization(folder)
        files = [folder / name for name in said.get("resources", [])]
        files += [folder / patch["path"] for patch in said.get("patches", [])]
        assert all(path.exists() for path in files), folder
        named |= {path for path in files if path.is_file()}
    others = {*EXAMPLES, FOLDER / "milvus-values.yaml"}
    assert set(FOLDER.rglob("*.yaml")) == named | others


@each_folder
def test_pods_are_hardened_and_limited(folder: Path) -> None:
    for name, manifest, pod in pods(built(folder)):
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 10001, name  # the user of deploy/Dockerfile
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert "memory" in container["resources"]["limits"], name
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in pod["volumes"]}, name
        assert mounts.get("photos", {"readOnly": True})["readOnly"] is True, name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
        assert manifest["spec"].get("selector", {}).get("matchLabels", {}).items() <= (
            manifest["spec"]["template"]["metadata"]["labels"].items()
        ), name


@each_folder
def test_gpus_are_asked_for_by_the_image_that_has_torch(folder: Path) -> None:
    for name, _, pod in pods(built(folder)):
        [container] = pod["containers"]
        gpu = container["resources"]["limits"].get("nvidia.com/gpu", 0)
        assert (gpu == 1) == container["image"].startswith("ruiji-gpu:") == ("cuda:0" in container["command"]), name
        assert (gpu == 1) == ("tolerations" in pod), name
    images = {pod["containers"][0]["image"] for _, _, pod in pods(built(FOLDER / "base"))}
    assert images == {service["image"] for service in services(MAIN).values() if "build" in service}


@each_folder
def test_commands_probes_and_settings_are_ours(folder: Path) -> None:
    group = typer.main.get_command(ruiji.app)
    known = {f"RUIJI_{field.upper()}" for field in Settings.model_fields}
    manifests = built(folder)
    [config] = [manifest["data"] for manifest in manifests if manifest["kind"] == "ConfigMap"]
    assert set(config) <= known
    for name, _, pod in pods(manifests):
        [container] = pod["containers"]
        assert {item["name"] for item in container.get("env", [])} <= known, name
        probes = {key: value["exec"]["command"] for key, value in container.items() if key.endswith("Probe")}
        assert set(probes) == ENDS.get(name, {"startupProbe", "readinessProbe"}), name
        for command in [container["command"], *probes.values()]:
            if command[:2] == ["python", "-m"]:
                assert (ROOT / (command[2].replace(".", "/") + ".py")).is_file(), name
                continue
            chosen = group.commands[command[1]]  # type: ignore[attr-defined]
            chosen.make_context(command[1], list(command[2:]))
        if name in WORKERS:
            assert probes["readinessProbe"][-2:] == ["worker", name]


# Which probes those have that are no workers: a job ends, and beat has nothing that could be asked.
ENDS: dict[str, set[str]] = {
    "setup": set(),
    "beat": set(),
    "web": {"startupProbe", "readinessProbe", "livenessProbe"},
}


@each_folder
def test_settings_accept_what_a_pod_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    manifests = [*built(folder), *documents(FOLDER / "examples" / "secrets.yaml")]
    given: dict[str, dict[str, Any]] = {
        manifest["metadata"]["name"]: manifest.get("data") or manifest.get("stringData") or {}
        for manifest in manifests
        if manifest["kind"] in ("ConfigMap", "Secret")
    }
    for name, _, pod in pods(manifests):
        [container] = pod["containers"]
        with monkeypatch.context() as patch:
            for source in container["envFrom"]:
                [reference] = source.values()
                for key, value in given[reference["name"]].items():
                    patch.setenv(key, value)
            for item in container.get("env", []):
                patch.setenv(item["name"], item.get("value", "8"))
            settings = Settings()
            settings.check()
            assert settings.resolved_artifacts_url() == "/data/artifacts", name


def test_secrets_that_are_asked_for_are_in_the_example() -> None:
    given = {
        manifest["metadata"]["name"]: set(manifest["stringData"])
        for manifest in documents(FOLDER / "examples" / "secrets.yaml")
    }
    manifests = built(FOLDER / "base")
    [authentication] = [manifest for manifest in manifests if manifest["kind"] == "TriggerAuthentication"]
    assert all(one["key"] in given[one["name"]] for one in authentication["spec"]["secretTargetRef"])
    for _, _, pod in pods(manifests):
        for volume in pod["volumes"]:
            assert "secret" not in volume or volume["secret"]["secretName"] in given
    assert not any(manifest["kind"] == "Secret" for manifest in manifests)


def test_nothing_is_reachable_and_engines_are_reached_by_port() -> None:
    manifests = built(FOLDER / "base")
    policies = {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"}
    assert policies["nothing-by-default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert not any("ingress" in policy for policy in policies.values())
    assert not any(manifest["kind"] in ("Service", "Ingress") for manifest in manifests)
    ports = {port["port"] for port in policies["ledger-and-broker"]["egress"][0]["ports"]}
    assert ports == {5432, 6379, 6380}
    [components] = policies["vectors"]["podSelector"]["matchExpressions"]
    assert components["values"] == ["web", "index"]
    web = next(pod for name, _, pod in pods(manifests) if name == "web")
    assert web["containers"][0]["command"][-1] == "127.0.0.1:8765"


def test_a_scale_down_or_a_new_version_ends_no_training() -> None:
    manifests = built(FOLDER / "overlays" / "train")
    found = {(manifest["kind"], manifest["metadata"]["name"]): manifest["spec"] for manifest in manifests[-7:]}
    scaling = found["ScaledObject", "train"]
    assert scaling["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"] == {"selectPolicy": "Disabled"}
    assert scaling["minReplicaCount"] == 0
    assert found["StatefulSet", "train"]["updateStrategy"] == {"type": "OnDelete"}
    assert found["PodDisruptionBudget", "train"]["maxUnavailable"] == 0


def test_scaling_and_budgets_name_pods_that_are_there() -> None:
    for folder in KUSTOMIZED:
        manifests = built(folder)
        names = {name: manifest for name, manifest, _ in pods(manifests)}
        for manifest in manifests:
            spec = manifest.get("spec", {})
            if manifest["kind"] == "ScaledObject":
                target = names[spec["scaleTargetRef"]["name"]]
                assert "replicas" not in target["spec"]  # `kubectl apply` would set it back each time
                assert spec["triggers"][0]["authenticationRef"]["name"] == "ruiji-ledger"
            if manifest["kind"] == "PodDisruptionBudget":
                wanted = spec["selector"]["matchLabels"]
                assert any(
                    wanted.items() <= one["spec"]["template"]["metadata"]["labels"].items() for one in names.values()
                )
