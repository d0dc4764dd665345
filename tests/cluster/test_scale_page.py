"""docs/SCALE.md: a shell can read its commands, and the files, services, targets and images that they name exist."""

from __future__ import annotations

import re
import subprocess

import pytest
import typer.main
import yaml

import ruiji
from tests.cluster import composing
from tests.cluster.composing import MAIN, ROOT
from tests.cluster.installation import commands_of
from tests.cluster.manifests import FOLDER, built, pods

TEXT = (ROOT / "docs" / "SCALE.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = "\n".join(BLOCKS)
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_shell_can_read_it(block: str) -> None:
    subprocess.run(["bash", "-n"], input=block, text=True, check=True)


def test_files_that_it_names_are_there() -> None:
    named = re.findall(r"(?:-f|--file|--values|cp) ([\w./-]+)", COMMANDS)
    named += [word for word in re.findall(r"`([\w./-]+)`", PROSE) if word.endswith((".yml", ".yaml"))]
    ours = [name for name in named if not name.startswith("my-")]
    assert len(ours) >= 6
    assert [name for name in ours if not (ROOT / name).exists()] == []


def test_services_profiles_and_targets_are_those_of_the_files() -> None:
    profiles = {profile for service in composing.ours(MAIN).values() for profile in service.get("profiles", [])}
    assert set(re.findall(r"--profile (\w+)", COMMANDS)) <= profiles
    assert all(f"`{profile}`" in PROSE for profile in profiles)
    assert set(re.findall(r"docker compose exec (\w+)", COMMANDS)) <= set(composing.services(MAIN))
    stages = re.findall(r"^FROM \S+ AS (\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"--target (\w+)", COMMANDS)) <= set(stages)
    assert {service["build"]["target"] for service in composing.ours(MAIN).values()} <= set(stages)


def test_commands_of_ours_exist() -> None:
    group = typer.main.get_command(ruiji.app)
    said = re.findall(r"`(ruiji [^`]+)`", PROSE) + re.findall(
        r"^(?:.* exec \w+ )?(ruiji .*)", COMMANDS, flags=re.MULTILINE
    )
    named = {line.split()[1] for line in said}
    assert {"ingest", "status", "doctor", "node"} <= named
    assert named <= set(group.commands)  # type: ignore[attr-defined]


def test_the_overlay_names_every_image_and_a_folder_that_is_there() -> None:
    overlay = yaml.safe_load(commands_of("overlay"))
    used = {pod["containers"][0]["image"].partition(":")[0] for _, _, pod in pods(built(FOLDER / "base"))}
    assert {image["name"] for image in overlay["images"]} == used
    for image in overlay["images"]:
        assert f"docker push {image['newName']}:{image['newTag']}" in COMMANDS
    assert [(ROOT / "an-overlay" / name).resolve() for name in overlay["resources"]] == [FOLDER / "base"]


def test_pods_and_jobs_that_are_asked_for_are_there() -> None:
    names = {name for name, _, _ in pods(built(FOLDER / "base"))}
    assert set(re.findall(r"(?:deployment|job)/(\w+)", COMMANDS)) <= names
