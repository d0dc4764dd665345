"""Packs the thumbnails of a chunk into one artifact and reads single ones back."""

from __future__ import annotations

from catalog.artifacts import ArtifactStore
from ingest.decode import VIEW_SIDE, view_bytes

__all__ = ["VIEW_SIDE", "ThumbnailDamagedError", "ThumbnailPack", "get_thumbnail", "view_bytes"]

_HEAD = b"RUIJITP1"
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


class ThumbnailDamagedError(Exception):
    """A pack does not hold a thumbnail where the ledger says."""


class ThumbnailPack:
    """Collects JPEGs and gives each the offset it will have."""

    def __init__(self) -> None:
        self._parts = [_HEAD]
        self._length = len(_HEAD)

    def __len__(self) -> int:
        return len(self._parts) - 1

    def add(self, thumbnail: bytes) -> tuple[int, int]:
        """Offset and length in bytes."""
        offset = self._length
        self._parts.append(thumbnail)
        self._length += len(thumbnail)
        return offset, len(thumbnail)

    def write(self, store: ArtifactStore, *, chunk_id: int, fence: int) -> str:
        """The artifact's key; a chunk claimed again writes another, so nobody's pack is overwritten."""
        key = f"thumbnails/{chunk_id}-{fence}.pack"
        store.put(key, b"".join(self._parts))
        return key


def get_thumbnail(store: ArtifactStore, pack: str, *, offset: int, length: int) -> bytes:
    """One JPEG. Raises ArtifactMissing, or ThumbnailDamagedError when the bytes are not a picture."""
    found: bytes = store.get_range(pack, offset, length)
    if len(found) != length or not found.startswith(_JPEG_START) or not found.endswith(_JPEG_END):
        raise ThumbnailDamagedError(f"{pack} is damaged at byte {offset}: remove it and ingest the folder again")
    return found
