"""The files of an encoder in the artifact store: whether all are there, how large, and all of them as one zip."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from typing import Final

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.errors import CatalogError

WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "config.json"
METRICS: Final = "metrics.json"
CARD: Final = "README.md"
NEEDED: Final = (WEIGHTS, "model.onnx", CONFIG, METRICS)
FILES: Final = (*NEEDED, CARD)  # nothing else is taken in or given out: a pickle would run as code where it is loaded
BLOCK = 1 << 20


class EncoderIncomplete(CatalogError):
    """The artifact store has lost files of an encoder."""

    def __init__(self, encoder: Encoder, missing: list[str]) -> None:
        super().__init__(
            f"The artifact store has lost {', '.join(missing)} of {encoder.name} ({encoder.id[:12]}); bring it back"
            " with: ruiji encoder import FOLDER"
        )


def check_files(store: ArtifactStore, encoder: Encoder) -> None:
    """Raise EncoderIncomplete unless a worker could load the encoder."""
    if missing := [name for name in NEEDED if not store.exists(f"{encoder.folder}/{name}")]:
        raise EncoderIncomplete(encoder, missing)


def size_bytes(store: ArtifactStore, encoder: Encoder) -> int | None:
    """Bytes of the weights; None where they are missing."""
    key = f"{encoder.folder}/{WEIGHTS}"
    return store.size(key) if store.exists(key) else None


class _Spool:
    """What a zip writer writes, taken away as it comes: it cannot seek, so the archive is streamed."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def archive(store: ArtifactStore, encoder: Encoder) -> Iterator[bytes]:
    """The encoder as a zip, in pieces: a folder that `ruiji encoder import` takes; metrics as the ledger has them.

    Raises EncoderIncomplete before the first piece is asked for.
    """
    check_files(store, encoder)
    return _pieces(store, encoder)


def _pieces(store: ArtifactStore, encoder: Encoder) -> Iterator[bytes]:
    spool = _Spool()
    folder = archive_name(encoder)
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as writer:
        for name in FILES:
            key = f"{encoder.folder}/{name}"
            if name == CARD and not store.exists(key):
                continue
            entry = zipfile.ZipInfo(f"{folder}/{name}")  # of 1980: the same encoder gives the same bytes
            entry.external_attr = 0o644 << 16
            with writer.open(entry, "w", force_zip64=True) as sink:
                for block in _blocks(store, encoder, name, key):
                    sink.write(block)
                    yield spool.take()
    yield spool.take()


def _blocks(store: ArtifactStore, encoder: Encoder, name: str, key: str) -> Iterator[bytes]:
    if name == METRICS:
        yield (json.dumps(dict(encoder.metrics), indent=2, ensure_ascii=False) + "\n").encode()
        return
    for start in range(0, store.size(key), BLOCK):
        yield store.get_range(key, start, BLOCK)


def archive_name(encoder: Encoder) -> str:
    """A file name that says which encoder it is, on every system."""
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in encoder.name
    )
    return f"{plain.strip('.-')[:80] or 'encoder'}-{encoder.id[:12]}"
