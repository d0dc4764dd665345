"""A person who trains encoders during a run: begins one, follows it, pauses or cancels some, and begins another."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.under_fire.clients import Client

NAME = "trained under fire"  # what the encoders of these runs are called by, with a number
PRESET, BATCH = "quick-cpu", 32
LOOK_S = 0.3
GAVE_UP = "gave up after"  # the reason of a run whose workers were struck each time before they had got anywhere
FATES = ("finish", "finish", "finish", "pause", "pause", "cancel")
LONGEST_WAIT_S = 12.0  # before a pause or a cancel: enough to be in any stage


@dataclass
class AskedRun:
    """A run that was asked for. `run` is None without an answer; `told` is the end state that was answered."""

    name: str
    epochs: int
    run: int | None = None
    told: str = ""
    cancelled: bool = False


class Trainer(Client):
    """One run at a time, each to its end. `limit`: no more than so many; 0: as many as there is time for."""

    def __init__(self, *, runs: Path, source: int, limit: int, **options: Any) -> None:
        super().__init__("trainer", **options)
        self.runs, self.source, self.limit = runs, source, limit
        self.asked: list[AskedRun] = []
        self.wrong: list[str] = []

    def act(self) -> None:
        """A run from its beginning to its end, unless the time is over before."""
        if self.limit and sum(bool(one.told) for one in self.asked) >= self.limit:
            self.stop.wait(LOOK_S)
            return
        one = self._begin()
        if one is None:
            return
        fate = self.random.choice(FATES)
        if fate != "finish" and not self._follow(one, for_s=self.random.uniform(0.0, LONGEST_WAIT_S)):
            self._change(one, "cancel" if fate == "cancel" else "pause")
            if fate == "pause" and not one.told:
                self._follow(one, for_s=self.random.uniform(0.5, 3.0))
                self._change(one, "resume")
        self._follow(one)

    def bring_to_end(self, *, within_s: float, patience_s: float) -> None:
        """After the last fault: every run that there is comes to its end, cancelled after `patience_s`.

        RuntimeError where one does not.
        """
        patient, until = time.monotonic() + patience_s, time.monotonic() + within_s
        for one in self.asked:
            while one.run is None and self._find(one) is None and time.monotonic() < until:
                time.sleep(LOOK_S)
            while one.run is not None:
                row = self._look(one)
                if one.told and (row is None or not row["members"]):
                    break
                if not one.told and time.monotonic() > patient:
                    self._act_on(one, "cancel")
                elif row is not None and row["state"] == "paused":
                    self._act_on(one, "resume")
                if time.monotonic() > until:
                    raise RuntimeError(f"a training has no end {within_s:.0f} s after the last fault: {row}")
                time.sleep(LOOK_S)

    def _begin(self) -> AskedRun | None:
        """A run under a name of its own, so that one that was begun without an answer is known again."""
        if self.asked and self.asked[-1].run is None and (found := self._find(self.asked[-1])) is not None:
            return self.asked[-1] if found else self._ask()
        return self._ask() if not self.asked or self.asked[-1].run is not None else None

    def _ask(self) -> AskedRun | None:
        one = AskedRun(f"{NAME} {len(self.asked) + 1}", epochs=self.random.choice((1, 2)))
        self.asked.append(one)
        wanted = {"name": one.name, "preset": PRESET, "sources": [self.source]}
        answer = self.post("/api/v1/training", {**wanted, "epochs": one.epochs, "batch_size": BATCH})
        if answer is None:
            return None
        if answer.status != 202:
            raise RuntimeError(f"a training is refused: {answer.status} {answer.body[:500]!r}")
        one.run = int(answer.json()["run"])
        self.done["trainings"] += 1
        return one

    def _find(self, one: AskedRun) -> bool | None:
        """Whether a run that was asked for without an answer is there all the same; None if that cannot be told."""
        answer = self.ask(lambda: self.server.request("GET", "/api/v1/training?limit=200"))
        if answer is None or answer.status != 200:
            return None
        found = [row["id"] for row in answer.json()["runs"] if row["name"] == one.name]
        one.run = found[0] if found else None
        return bool(found)

    def _follow(self, one: AskedRun, *, for_s: float | None = None) -> bool:
        """Look until it has ended, or for so long; whether it has."""
        until = time.monotonic() + (for_s if for_s is not None else float("inf"))
        while not self.stop.is_set() and not one.told and time.monotonic() < until:
            self._look(one)
            self.stop.wait(LOOK_S)
        return bool(one.told)

    def _look(self, one: AskedRun) -> dict[str, Any] | None:
        answer = self.ask(lambda: self.server.request("GET", f"/api/v1/training/{one.run}"))
        if answer is None:
            return None
        if answer.status != 200:
            self.wrong.append(f"training {one.run} was acknowledged and is answered with {answer.status}")
            one.told = "unknown"
            return None
        row: dict[str, Any] = answer.json()
        self._note(one, row)
        return row

    def _note(self, one: AskedRun, row: dict[str, Any]) -> None:
        """An end is remembered; a run that was given up because it was struck each time is tried again."""
        if row["state"] == "failed" and GAVE_UP in (row["error"] or ""):
            self.done["trainings tried again"] += 1
            self._act_on(one, "resume")
        elif row["state"] in ("done", "cancelled", "failed") and not one.told:
            one.told = row["state"]
            self.done[f"trainings {row['state']}"] += 1
            # Its checkpoints, 90 MB each, would fill the small disk for all that follow.
            for kept in (self.runs / str(one.run)).glob("checkpoint-*.pt"):
                kept.unlink(missing_ok=True)
            shutil.rmtree(self.runs / str(one.run) / "encoder", ignore_errors=True)

    def _change(self, one: AskedRun, verb: str) -> None:
        """Pause, resume or cancel, asked until it is answered."""
        while not self.stop.is_set() and not one.told and not self._act_on(one, verb):
            self.stop.wait(LOOK_S)

    def _act_on(self, one: AskedRun, verb: str) -> bool:
        one.cancelled = one.cancelled or verb == "cancel"
        answer = self.post(f"/api/v1/training/{one.run}/{verb}", {})
        if answer is None:
            return False
        if answer.status != 200:
            raise RuntimeError(f"{verb} of training {one.run}: {answer.status} {answer.body[:500]!r}")
        row = answer.json()
        self.done[f"trainings: {verb}"] += 1
        expected = {"pause": ("paused", "done"), "cancel": ("cancelled", "done"), "resume": ("running", "done")}[verb]
        if row["state"] not in expected and GAVE_UP not in (row["error"] or ""):
            self.wrong.append(f"after {verb}, training {one.run} is {row['state']}: {row['error']}")
        if row["state"] != "failed":
            self._note(one, row)
        return True
