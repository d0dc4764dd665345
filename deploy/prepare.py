"""Prepares an installation on given engines, once: the ledger's tables, and the shipped encoder in the store."""

from __future__ import annotations

from catalog.artifacts import ArtifactStore
from catalog.encoders import serving_encoder
from catalog.installation import set_version
from catalog.ledger import Ledger
from deploy.encoder_setup import SHIPPED, describe, set_up_encoder
from settings import Settings


def prepare(settings: Settings) -> str:
    """Safe to repeat; returns what a person has to know of the encoders."""
    settings.check()
    ledger = Ledger.open(settings.resolved_database_url())
    try:
        store = ArtifactStore(settings.resolved_artifacts_url())
        set_version(ledger)
        given = set_up_encoder(ledger, store, settings.encoder_dir or SHIPPED)
        lines = describe(given, serving_encoder(ledger) or given)
    finally:
        ledger.close()
    return "ready: " + "\n".join(lines)


if __name__ == "__main__":
    print(prepare(Settings()))
