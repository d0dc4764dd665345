"""Puts the encoder that comes with Ruiji into the ledger and the artifact store, where every worker finds it."""

from __future__ import annotations

from pathlib import Path

import encoder
from catalog.artifacts import ArtifactStore
from catalog.encoders import SHOWN, Encoder, promote, serving_encoder
from catalog.ledger import Ledger
from worker.registry import register_checked

SHIPPED = Path(encoder.__file__).parent / "shipped"


def set_up_encoder(ledger: Ledger, store: ArtifactStore, folder: Path) -> Encoder:
    """Verify the folder, register it under the id that its content gives, and let it serve if nothing does.

    Raises EncoderDamaged when the folder is not what its own id says. Safe to repeat: files that the store has lost
    are put back.
    """
    registered = register_checked(ledger, store, folder)
    if serving_encoder(ledger) is None:
        promote(ledger, registered.id)
    return registered


def describe(given: Encoder, serving: Encoder) -> list[str]:
    """Lines for a person: which encoder serves, and how to switch when it is not the one that was given."""
    lines = [f"encoder {serving.name} ({serving.id[:SHOWN]})"]
    if given.id != serving.id:
        lines.append(
            f"encoder {given.name} ({given.id[:SHOWN]}) is here too but does not serve;"
            f" switch to it with: ruiji encoder promote {given.id[:SHOWN]}"
        )
    return lines
