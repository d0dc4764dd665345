"""`ruiji export` and `ruiji import`: what they print, and what they return."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ruiji
from catalog.artifacts import ArtifactStore
from catalog.audit import recent
from catalog.labels import states
from catalog.ledger import Ledger
from settings import Settings
from tests.curate.album import Album
from tests.curate.shelf import Shelf, fill


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Photos in the ledger of an installation that does not run."""
    monkeypatch.setenv("RUIJI_HOME", str(tmp_path / "home"))
    settings = Settings()
    ledger = Ledger.open(settings.resolved_database_url())
    return fill(Album(ledger, ArtifactStore(settings.resolved_artifacts_url())), tmp_path / "photos")


def test_labels_go_out_and_come_back(shelf: Shelf, tmp_path: Path) -> None:
    run = CliRunner()
    shelf.album.decide("plane", shelf.ids[:3])
    out = tmp_path / "out.csv"
    done = run.invoke(ruiji.app, ["export", "plane", "--format", "csv", str(out)])
    assert (done.exit_code, "3 images with 3 labels in" in done.output) == (0, True), done.output
    [line] = recent(shelf.album.ledger, limit=9)
    assert (line.actor, line.action, line.target) == ("shell", "export", f"csv of 1 labels to {out}")
    again = run.invoke(ruiji.app, ["export", str(out)])
    assert again.exit_code == 1
    assert "--overwrite" in again.output and "Traceback" not in again.output
    unknown = run.invoke(ruiji.app, ["export", "bird", str(tmp_path / "other.csv")])
    assert (unknown.exit_code, "no label bird" in unknown.output) == (1, True)
    rows = list(csv.reader(out.read_text(encoding="utf-8").splitlines()))
    text = "\n".join(f"{row[1]},{'label' if row[1] == 'sha256' else 'bird'}" for row in rows)
    (tmp_path / "in.csv").write_text(f"{text}\n{'0' * 64},bird\n", encoding="utf-8")
    taken = run.invoke(ruiji.app, ["import", str(tmp_path / "in.csv")])
    assert taken.exit_code == 1, "one row was left out"
    assert "4 read: 3 taken over" in taken.output
    assert "1 of no picture that is known here" in taken.output
    found = states(shelf.album.ledger, shelf.ids[:1])[shelf.ids[0]]
    assert {(one.name, one.origin) for one in found} == {("plane", "person"), ("bird", "import")}


def test_a_folder_goes_out_and_comes_back(shelf: Shelf, tmp_path: Path) -> None:
    run = CliRunner()
    shelf.album.decide("plane", shelf.ids[:3])
    shelf.paths[0].unlink()
    out = tmp_path / "out"
    done = run.invoke(ruiji.app, ["export", "--format", "imagefolder", "--files", "hardlink", str(out)])
    assert (done.exit_code, "1 images left out" in done.output) == (1, True), done.output
    taken = run.invoke(ruiji.app, ["import", str(out)])
    assert (taken.exit_code, "2 read: 0 taken over" in taken.output) == (0, True), taken.output
    nothing = run.invoke(ruiji.app, ["import", str(tmp_path / "nowhere")])
    assert nothing.exit_code == 1 and "No such file" in nothing.output
