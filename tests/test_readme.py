"""README.md says what is so: generated parts are current, what it links to exists, its commands are commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer.main

import ruiji
from deploy import readme
from deploy.trust_table import PAGE

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_parts_are_current() -> None:
    assert readme.filled(TEXT) == TEXT, "run: make readme"
    trust = PAGE.read_text(encoding="utf-8")
    assert readme.trust_filled(trust) == trust, "run: make readme"


@pytest.mark.parametrize(
    "path", ["README.md", "docs/ARCHITECTURE.md", "docs/SCALE.md", "docs/SECURITY.md", "CHANGELOG.md"]
)
def test_links_lead_somewhere(path: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / path).read_text())
    missing = [one for one in targets if "://" not in one and not (ROOT / path).parent.joinpath(one).exists()]
    assert missing == []


def test_commands_exist() -> None:
    group = typer.main.get_command(ruiji.app)
    named = set(re.findall(r"^ruiji ([a-z]+)", TEXT, flags=re.MULTILINE)) | set(re.findall(r"`ruiji ([a-z]+)", TEXT))
    assert {"up", "search", "ingest"} <= named
    assert named <= set(group.commands)  # type: ignore[attr-defined]
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make ([\w-]+)", TEXT, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_a_benchmark_that_has_not_run_is_said_to_be_missing(tmp_path: Path) -> None:
    table = readme.figures(tmp_path)
    assert table.count("not measured yet") == len(readme.ROWS)


def test_figures_come_from_the_results(tmp_path: Path) -> None:
    machine = {"processor": "a processor", "cores": 2, "gpu": None}
    result = {"p50_ms": 12.34, "machine": machine, "engine": "an engine", "date": "2026-01-02T03", "commit": "abc"}
    (tmp_path / "query.json").write_text(json.dumps(result))
    table = readme.figures(tmp_path)
    assert "| 12.3 ms | ≤ 20 |" in table
    assert "a processor, 2 cores, no GPU; an engine; 2026-01-02, commit abc." in table


def test_a_missing_marker_is_named() -> None:
    with pytest.raises(ValueError, match="settings"):
        readme.filled("# no markers")
