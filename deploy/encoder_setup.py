"""Puts the encoder that comes with Ruiji into the ledger and the artifact store, where every worker finds it."""

from __future__ import annotations

from pathlib import Path

import encoder
from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, promote, register, serving_encoder
from catalog.ledger import Ledger
from encoder.folder import load_info, verify

SHIPPED = Path(encoder.__file__).parent / "shipped"
SHOWN = 12  # digits of an id that people get to see; enough to name it by


def set_up_encoder(ledger: Ledger, store: ArtifactStore, folder: Path) -> Encoder:
    """Verify the folder, register it under the id that its content gives, and let it serve if nothing does.

    Raises EncoderDamaged when the folder is not what its own id says. Safe to repeat: files that the store has lost
    are put back.
    """
    verify(folder)
    info = load_info(folder)
    key = f"encoders/{info.id}"
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = f"{key}/{path.relative_to(folder).as_posix()}"
            if not store.exists(name):
                store.put_file(name, path)
    registered = register(
        ledger,
        id=info.id,
        name=info.name,
        dimension=info.dimension,
        input_size=info.input_size,
        folder=key,
        config=info.config,
        metrics=info.metrics,
    )
    if serving_encoder(ledger) is None:
        promote(ledger, info.id)
    return registered


def describe(given: Encoder, serving: Encoder) -> list[str]:
    """Lines for a person: which encoder serves, and how to switch when it is not the one that was given."""
    lines = [f"encoder {serving.name} ({serving.id[:SHOWN]})"]
    if given.id != serving.id:
        lines.append(
            f"encoder {given.name} ({given.id[:SHOWN]}) is here too but does not serve;"
            f" switch to it with: ruiji encoder use {given.id[:SHOWN]}"
        )
    return lines
