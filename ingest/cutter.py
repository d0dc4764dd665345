"""Cuts the files of a scan into chunks and adds full ones to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog import chunks, places
from catalog.jobs import ScanClaim
from catalog.ledger import Ledger
from catalog.places import PlaceToDo


class ChunkCutter:
    """Cuts places into chunks capped by files and by bytes, and adds full ones to the ledger at once."""

    def __init__(
        self,
        ledger: Ledger,
        claim: ScanClaim,
        *,
        chunk_files: int,
        chunk_bytes: int,
        on_chunks: Callable[[int], None] | None,
    ) -> None:
        self.chunks = 0
        self._ledger = ledger
        self._claim = claim
        self._chunk_files = chunk_files
        self._chunk_bytes = chunk_bytes
        self._on_chunks = on_chunks
        self._open: list[PlaceToDo] = []
        self._bytes = 0

    def add(self, found: Sequence[PlaceToDo]) -> None:
        full: list[list[PlaceToDo]] = []
        for place in found:
            over = len(self._open) >= self._chunk_files or self._bytes + place.size > self._chunk_bytes
            if self._open and over:
                full.append(self._cut())
            self._open.append(place)
            self._bytes += place.size
        if self._open and ((not self.chunks and not full) or len(self._open) >= self._chunk_files):
            full.append(self._cut())
        self._write(full)

    def flush(self) -> None:
        self._write([self._cut()] if self._open else [])

    def _cut(self) -> list[PlaceToDo]:
        cut, self._open, self._bytes = self._open, [], 0
        return cut

    def _write(self, full: list[list[PlaceToDo]]) -> None:
        if not full:
            return
        claim = self._claim
        with self._ledger.write() as connection:
            # Whoever has taken the scan over cuts these files himself.
            places.hold_scan(connection, claim.job_id, claim.fence)
            chunks.add_chunks(connection, job_id=claim.job_id, encoder_id=claim.encoder_id, chunks=full)
        self.chunks += len(full)
        if self._on_chunks is not None:
            self._on_chunks(len(full))
