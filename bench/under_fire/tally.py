"""Runs of one kind of fault added up: how often it struck, how much was compared after it, and what was not right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.under_fire.findings import bounds


@dataclass(frozen=True)
class Goal:
    """At least so many `of` these counts together, under the name that a reader is shown."""

    what: str
    least: int
    of: tuple[str, ...]


@dataclass(frozen=True)
class Tally:
    """Of one run: what happened in it, how many things were compared at its end, and how many were not right."""

    counts: Mapping[str, int]
    checked: Mapping[str, int]
    amiss: int


def read(result: Mapping[str, Any]) -> Tally:
    """From a benchmark's JSON. ValueError for one with a safeguard taken away, or of a benchmark that has no faults."""
    if result.get("control"):
        raise ValueError(f"a run with the control {result['control']!r} says nothing about what is shipped")
    if "faults_by_kind" in result:
        checked = result["checked"]
        stages = result.get("faults_of_trainings", {})
        counts = {**checked, **result["faults_by_kind"], **stages, "kills": result["kills"]}
        return Tally(counts, checked, result["lost"] + result["duplicates"] + result["wrong"])
    if "rows_a_batch" in result:
        return Tally({"kills": result["kills"]}, {"rows": result["acked"]}, result["lost"])
    if "switches" in result:
        given = result["labels_given"]
        checked = {"searches": result["searches"], "labels": given}
        amiss = result["failed"] + result["mixed"] + given - result["labels_found_by_both"]
        return Tally({"switches": result["switches"]}, checked, amiss)
    if "poison" in result:
        wrong = ("unreported", "good_skipped", "bad_accepted", "worker_crashes", "page_failures")
        counts = {"files": result["files"], "poison": result["poison"]}
        return Tally(counts, {"files": result["files"]}, sum(result[name] for name in wrong))
    raise ValueError(f"{result.get('benchmark')!r} is no benchmark with faults")


def added(before: Mapping[str, Any], result: Mapping[str, Any], goals: Sequence[Goal]) -> dict[str, Any]:
    """The sum so far and one run more; `before` is empty for the first, and ValueError if it has the run already."""
    run = read(result)
    runs = list(before.get("runs", []))
    if any(one["date"] == result["date"] for one in runs):
        raise ValueError(f"the run of {result['date']} is among them already")
    counts = Counter(before.get("counts", {})) + Counter(run.counts)
    checked = dict(sorted((Counter(before.get("checked", {})) + Counter(run.checked)).items()))
    amiss = int(before.get("amiss", 0)) + run.amiss
    return {
        "reached": reached({"counts": counts}, goals),
        "goals": {goal.what: goal.least for goal in goals},
        "counts": dict(sorted(counts.items())),
        "checked": checked,
        "amiss": amiss,
        "lost_below_95": {} if amiss else bounds(checked),
        "first_finding": before.get("first_finding")
        or result.get("first_finding")
        or result.get("first_failure")
        or None,
        "runs": [*runs, _told(result)],
    }


def reached(total: Mapping[str, Any], goals: Sequence[Goal]) -> dict[str, int]:
    """How many of each goal there are, by what was counted: a sum of earlier runs may have had other goals."""
    counts: Mapping[str, int] = total.get("counts", {})
    return {goal.what: sum(counts.get(name, 0) for name in goal.of) for goal in goals}


def left(total: Mapping[str, Any], goals: Sequence[Goal]) -> int:
    """How many are to come until every goal is reached; the most of any."""
    there = reached(total, goals)
    return max(max(0, goal.least - there[goal.what]) for goal in goals)


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to one run alone. Recovery takes longer on a busy machine, so its load stands beside it."""
    names = ("seed", "seconds", "kills", "recovery_p50_s", "recovery_p95_s", "reopen_p95_s", "commit", "date")
    return {
        **{name: result[name] for name in names if name in result},
        "load_average": result["machine"]["load_average"],
    }
