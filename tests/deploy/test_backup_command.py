"""`ruiji backup` and `ruiji restore`: labels are never replaced without being asked for, and never without a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.audit import SHELL, everything, note
from catalog.backup_file import BackupError
from catalog.labels import ensure_label, list_labels
from catalog.ledger import Ledger
from catalog.workers import announce, forget
from deploy.lock import AlreadyRunning, HomeLock
from deploy.shell.backup import backup, restore
from deploy.standstill import StillWorking
from settings import Settings


def names(settings: Settings) -> list[str]:
    ledger = Ledger.open(settings.resolved_database_url())
    found = [row.label.name for row in list_labels(ledger)]
    ledger.close()
    return found


def home_with(folder: Path, *labels: str) -> Settings:
    settings = Settings(home=folder)
    ledger = Ledger.open(settings.resolved_database_url())
    note(ledger, SHELL, "export", f"of {folder.name}")
    for label in labels:
        ensure_label(ledger, label)
    ledger.close()
    return settings


def audit_of(settings: Settings) -> list[tuple[str, str, str]]:
    """Who did what to what; of a backup, its file."""
    ledger = Ledger.open(settings.resolved_database_url())
    found = [(line.actor, line.action, line.target.partition(", made ")[0]) for line in everything(ledger)]
    ledger.close()
    return found


def test_labels_are_replaced_only_when_asked_and_kept_then(tmp_path: Path, capsys: Any) -> None:
    there, here = home_with(tmp_path / "there", "plane"), home_with(tmp_path / "here", "ship", "boat")
    file = tmp_path / "ledger.zip"
    assert backup(there, file, overwrite=False) == 0
    assert "1 labels" in (said := capsys.readouterr().out) and str(tmp_path / "there" / "artifacts") in said
    with pytest.raises(BackupError, match=r"holds 2 labels, which the backup would replace.*--replace"):
        restore(here, file, replace=False)
    assert names(here) == ["boat", "ship"]
    done = audit_of(here)
    assert restore(here, file, replace=True) == 0
    assert names(here) == ["plane"]
    assert audit_of(here) == [*done, ("shell", "export", "of there"), ("shell", "restored", "ledger.zip")]
    said = capsys.readouterr().out
    assert "2 labels, is kept in" in said and "doctor --repair" in said
    [kept] = (tmp_path / "here" / "backups").iterdir()
    assert restore(home_with(tmp_path / "third"), kept, replace=False) == 0
    assert names(Settings(home=tmp_path / "third")) == ["boat", "ship"]
    assert backup(there, file, overwrite=True) == 0


def test_nothing_is_restored_below_a_ruiji_that_runs(tmp_path: Path) -> None:
    there = home_with(tmp_path / "there", "plane")
    backup(there, tmp_path / "ledger.zip", overwrite=False)
    here = home_with(tmp_path / "here")
    here.run_folder.mkdir()
    with HomeLock(here.run_folder / "lock"), pytest.raises(AlreadyRunning, match="stop it first"):
        restore(here, tmp_path / "ledger.zip", replace=True)
    ledger = Ledger.open(here.resolved_database_url())
    announce(ledger, name="embed@far:1", queues="embed", host="far", pid=1, device="cpu")
    with pytest.raises(StillWorking, match=r"1 workers use .*embed@far:1"):
        restore(here, tmp_path / "ledger.zip", replace=True)
    assert names(here) == []
    forget(ledger, "embed@far:1")
    ledger.close()
    assert restore(here, tmp_path / "ledger.zip", replace=False) == 0
    assert names(here) == ["plane"]
