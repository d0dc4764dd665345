"""README.md says what is so: generated parts are current, what it links to exists, its commands are commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer.main

import ruiji
from deploy import readme
from deploy.trust_table import PAGE, table

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
    shown = readme.figures(tmp_path)
    assert shown.count("not measured yet") == len(readme.ROWS)


def test_figures_come_from_the_results(tmp_path: Path) -> None:
    machine = {"processor": "a processor", "cores": 2, "gpu": None}
    result = {"p50_ms": 12.34, "machine": machine, "engine": "an engine", "date": "2026-01-02T03", "commit": "abc"}
    (tmp_path / "query.json").write_text(json.dumps(result))
    shown = readme.figures(tmp_path)
    assert "| 12.3 ms | ≤ 20 |" in shown
    (tmp_path / "query.json").write_text(json.dumps({**result, "p50_ms": 20.04}))
    assert "| 20.0 ms | ≤ 20, **missed** |" in readme.figures(tmp_path)
    assert "a processor, 2 cores, no GPU; an engine; 2026-01-02, commit abc." in shown


def test_a_missing_marker_is_named() -> None:
    with pytest.raises(ValueError, match="settings"):
        readme.filled("# no markers")


def test_make_bench_makes_what_the_readme_says() -> None:
    makefile = (ROOT / "Makefile").read_text()
    ran = set(re.findall(r"^\t\$\(BIN\)/ruiji bench (\w+)$", makefile, flags=re.MULTILINE))
    [said] = re.findall(r"`make bench` makes them anew, but for(.*?)\n\n", TEXT, flags=re.DOTALL)
    by_hand = set(re.findall(r"`ruiji bench (\w+)`", said))
    assert ran | by_hand == {row.benchmark for row in readme.ROWS} and not ran & by_hand


@pytest.mark.parametrize(
    ("goal", "good", "bad"),
    [("≥ 0.85", 0.85, 0.849), ("≤ 3 %", 0.03, 0.031), ("85 to 95 %", 0.94, 0.96), ("0", 0, 1), ("≥ 2,000", 2652, 1999)],
)
def test_a_goal_that_was_missed_is_marked(goal: str, good: float, bad: float) -> None:
    row = readme.Row("", "", "", "{}", goal)
    assert (row.told(good), row.told(bad)) == (goal, f"{goal}, **missed**")


def test_every_goal_can_be_judged() -> None:
    for row in readme.ROWS:
        assert not row.goal or readme.reached(1, row.goal) in (True, False)


def test_parts_of_the_long_forms_that_were_not_reached_are_marked(tmp_path: Path) -> None:
    total = {"goals": {"kills": 500, "labels": 10}, "reached": {"kills": 303, "labels": 11}, "checked": {}, "amiss": 0}
    (tmp_path / "long-kills.json").write_text(
        json.dumps({**total, "lost_below_95": {}, "runs": [{"load_average": 1.0}]})
    )
    assert "303 of 500 kills (**not reached**); 11 of 10 labels |" in table(tmp_path)


def test_the_study_reads_its_photos_where_it_has_fetched_them() -> None:
    """Its commands change the folder in between: a relative path would lead elsewhere then."""
    study = (ROOT / "docs" / "STUDY.md").read_text()
    fetched = set(re.findall(r"^ruiji data \w+ (\S+)", study, flags=re.MULTILINE)) | {"~/photos/stl10"}
    read = re.findall(r"(?:--train|--test|--photos|--name \w+) (\S*photos/\w+)", study)
    assert len(read) > 5 and set(read) <= fetched
    assert all(path.startswith("~/") for path in fetched)
