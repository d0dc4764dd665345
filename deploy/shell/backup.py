"""`ruiji backup` and `ruiji restore`: the ledger into one file, and back from it."""

from __future__ import annotations

import time
from pathlib import Path

from catalog.backup import write_backup
from catalog.backup_file import BackupError, Manifest
from catalog.installation import VERSION, set_version
from catalog.ledger import Ledger
from catalog.restore import restore as restore_ledger
from catalog.restore import work_in
from deploy.shell.installed import known_ledger
from deploy.standstill import require_no_workers, stopped
from settings import Settings


def backup(settings: Settings, path: Path, *, overwrite: bool) -> int:
    """Write the ledger to a file, while it is in use or not; 0."""
    ledger = known_ledger(settings)
    made = write_backup(ledger, path.absolute(), version=VERSION, overwrite=overwrite)
    print(f"{path}: {_holds(made)}; {path.stat().st_size / 1e6:.1f} MB, read back and sound")
    print(f"the ledger only: copy {settings.resolved_artifacts_url()} too, which holds encoders, vectors and uploads")
    return 0


def restore(settings: Settings, path: Path, *, replace: bool) -> int:
    """Put a backup in the ledger's place; 0. Raises BackupError when labels would be lost, unless `replace`."""
    with stopped(settings):
        ledger = Ledger.open(settings.resolved_database_url())
        require_no_workers(ledger)
        if there := work_in(ledger):
            if not replace:
                raise BackupError(
                    f"{ledger} holds {there}, which the backup would replace: nothing was changed."
                    " Say --replace to do it; what is there is backed up first."
                )
            kept = settings.home / "backups" / f"before-restore-{time.strftime('%Y%m%d-%H%M%S')}.zip"
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_backup(ledger, kept, version=VERSION)
            print(f"what was there, {there}, is kept in {kept}")
        restored = restore_ledger(ledger, path.absolute())
        set_version(ledger)
    print(f"{ledger} holds what {path} does: {_holds(restored)}")
    print("the index may hold other pictures or older labels: mend it with: ruiji doctor --repair")
    return 0


def _holds(manifest: Manifest) -> str:
    rows = manifest.rows_of
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(manifest.made_at))
    return (
        f"{rows('label_event'):,} label events, {rows('label'):,} labels, {rows('hunt'):,} hunts,"
        f" {rows('image'):,} pictures, as of {made}"
    )
