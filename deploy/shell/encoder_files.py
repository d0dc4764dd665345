"""`ruiji encoder import | export`: an encoder as a folder or a zip, in and out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from catalog.artifacts import ArtifactStore
from catalog.audit import SHELL, note
from catalog.encoder_files import archive, archive_name
from catalog.encoders import SHOWN, named, serving_encoder
from catalog.ledger import Ledger
from deploy.encoder_setup import set_up_encoder
from deploy.shell.encoder import known
from deploy.shell.failures import FAILED
from deploy.shell.installed import known_ledger
from settings import Settings


def take_in(settings: Settings, path: Path) -> int:
    """Register the folder or zip; it serves only where nothing does yet."""
    ledger = Ledger.open(settings.resolved_database_url())
    encoder = set_up_encoder(ledger, ArtifactStore(settings.resolved_artifacts_url()), path)
    note(ledger, SHELL, "encoder added", named(encoder))
    serving = serving_encoder(ledger)
    if serving is not None and serving.id == encoder.id:
        print(f"{encoder.name} ({encoder.id[:SHOWN]}) is here and serves")
    else:
        print(
            f"{encoder.name} ({encoder.id[:SHOWN]}) is here; let it serve with:"
            f" ruiji encoder promote {encoder.id[:SHOWN]}"
        )
    return 0


def give_out(settings: Settings, wanted: str, out: Path | None) -> int:
    """Write the zip, whole or not at all; nothing is overwritten."""
    ledger = known_ledger(settings)
    encoder = known(ledger, wanted)
    target = out or Path(f"{archive_name(encoder)}.zip")
    if target.exists():
        print(f"ruiji: {target} is there already; name another file, or move it away")
        return FAILED
    with tempfile.NamedTemporaryFile(dir=target.absolute().parent, prefix=f".{target.name}-", delete=False) as sink:
        partial = Path(sink.name)
        try:
            for piece in archive(ArtifactStore(settings.resolved_artifacts_url()), encoder):
                sink.write(piece)
            sink.flush()
            partial.chmod(0o644)
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, for: ruiji encoder import {target}")
    return 0
