"""The long forms add up: what was reached survives a stop, nothing counts twice, and what was lost once stays seen."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import long
from bench.under_fire.tally import Goal, added, left, reached
from deploy.trust_table import PARTS, table

GOALS = (Goal("queues wiped", 20, ("broker wiped", "broker lost")),)


def run(date: str, *, wiped: int = 4, lost: int = 0, **more: Any) -> dict[str, Any]:
    """What `ruiji bench faults` writes, as far as it is added up."""
    found = {"lost": lost, "duplicates": 0, "wrong": 0, "checked": {"files": 300}, "kills": 0}
    faults = {"faults_by_kind": {"broker wiped": wiped, "broker lost": 1}, "control": "", "seed": 7}
    return {**found, **faults, "date": date, "machine": {"load_average": 9.5}, "commit": "abc", **more}


def test_runs_add_up_until_the_goal_is_reached() -> None:
    total = added({}, run("1", recovery_p95_s=12.0), GOALS)
    assert left(total, GOALS) == 15
    total = added(total, run("2", wiped=14), GOALS)
    assert (total["reached"], left(total, GOALS)) == ({"queues wiped": 20}, 0)
    assert total["lost_below_95"]["files"] == pytest.approx(3 / 600)
    assert [one.get("recovery_p95_s") for one in total["runs"]] == [12.0, None]
    assert total["runs"][0]["load_average"] == 9.5


def test_a_sum_of_runs_that_had_other_goals_is_measured_by_those_of_today() -> None:
    total = added({}, run("1", wiped=4), GOALS)
    wiped, lost = Goal("wiped", 5, ("broker wiped",)), Goal("lost", 20, ("broker lost",))
    assert reached(total, (wiped, lost)) == {"wiped": 4, "lost": 1}
    assert (left(total, (wiped,)), left(total, (lost,)), left(total, (wiped, lost))) == (1, 19, 19)


def test_kills_of_one_backend_are_none_of_the_server() -> None:
    engines, backends = (part for part in long.PARTS if part.name in ("engines", "backends"))
    total = {"counts": {"kill backend": 10, "kill ledger server": 9, "kill everything": 4}}
    assert reached(total, engines.goals)["kills of PostgreSQL"] == 13
    assert list(reached(total, backends.goals).values()) == [10]


def test_what_was_lost_in_one_run_is_not_forgotten_in_the_next() -> None:
    total = added({}, run("1", lost=1, first_finding="label 3 is gone"), GOALS)
    total = added(total, run("2", first_finding=None), GOALS)
    assert (total["amiss"], total["lost_below_95"], total["first_finding"]) == (1, {}, "label 3 is gone")


def test_a_run_counts_once_and_a_control_never() -> None:
    total = added({}, run("1"), GOALS)
    with pytest.raises(ValueError, match="among them already"):
        added(total, run("1"), GOALS)
    with pytest.raises(ValueError, match="unfenced"):
        added({}, run("2", control="unfenced"), GOALS)


FAKE = """
import json, pathlib, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert sys.argv[1] == "--seed", sys.argv
result = json.loads({result!r}) | {{"seed": int(options["--seed"]), "date": options["--seed"]}}
pathlib.Path(options["--out"], "faults.json").write_text(json.dumps(result))
"""


def test_a_stopped_part_goes_on_with_the_next_seed_and_ends_at_its_goal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    script = tmp_path / "fake.py"
    script.write_text(FAKE.format(result=json.dumps(run("", wiped=9))))
    python.write_text(f'#!/bin/sh\nshift 5\nexec {sys.executable} {script} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    part = long.Part("broker", ("faults",), GOALS)
    (tmp_path / "long-broker.json").write_text(json.dumps(added({}, run("0", wiped=0), GOALS)))
    total = long.carry_on(part, minutes=5, folder=tmp_path)
    assert [one["seed"] for one in total["runs"]] == [7, 8, 9]
    assert total["reached"] == {"queues wiped": 21}
    again = long.carry_on(part, minutes=5, folder=tmp_path)
    assert len(again["runs"]) == 3, "a goal that is reached is not run again"
    assert "| broker | 21 of 20 queues wiped | 900 files (0.0033) | 0 | 3, 10 to 10 |" in table(tmp_path)


def test_the_table_names_every_part(tmp_path: Path) -> None:
    assert tuple(part.name for part in long.PARTS) == PARTS
    assert table(tmp_path).count("not run yet") == len(PARTS)


def test_a_run_that_ends_without_a_result_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="ended with 1 and no result"):
        long.carry_on(long.PARTS[0], minutes=1, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
