"""A folder or bucket -> places and chunks in the ledger, in short transactions, while embedding already starts."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from catalog import fault_points, jobs, places, tables
from catalog.errors import ClaimLost, LedgerAway
from catalog.jobs import ScanClaim
from catalog.ledger import Ledger, clock
from catalog.places import FoundFile
from catalog.plain_text import plain_text
from catalog.statements import insert_or
from catalog.storage.address import is_object
from catalog.storage.pictures import PictureStorage
from ingest.bucket_walk import walk_bucket
from ingest.cutter import ChunkCutter
from ingest.walk import FolderFile, FolderMissingError, WalkTally, walk

__all__ = ["FolderMissingError", "ScanOutcome", "scan_source"]

logger = logging.getLogger("ruiji.ingest")

_RECORD_FILES = 1000  # one short transaction
_FIRST_FILES = 64  # the first pictures are searchable, and every worker has work, within a second
_BEAT_S = 2.0  # so soon does it notice that its job was paused or cancelled


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """What a scan did. `state`: done, incomplete (some folder could not be listed), or lost (stopped or taken over).

    `ignored` counts hidden and other files and links that were left out; `unreadable` are folders with the reason.
    """

    state: str
    files: int
    to_do: int
    chunks: int
    ignored: int
    unreadable: tuple[tuple[bytes, str], ...]


def scan_source(
    ledger: Ledger,
    claim: ScanClaim,
    *,
    chunk_files: int = 512,
    chunk_mb: int = 256,
    lease_s: float = 60.0,
    on_chunks: Callable[[int], None] | None = None,
    storage: PictureStorage | None = None,
) -> ScanOutcome:
    """Walks the claimed source; `on_chunks` is told how many chunks were added, to wake workers.

    `storage` knows where this machine reads the source; without it, at the very path that the ledger has.

    Raises FolderMissingError, and whatever else breaks it off, which then stands with the job. Running it twice is
    harmless. A folder that cannot be listed today is no reason to forget its pictures: it is reported as bad. All other
    places that were not seen are marked gone.
    """
    cutter = ChunkCutter(ledger, claim, chunk_files=chunk_files, chunk_bytes=chunk_mb << 20, on_chunks=on_chunks)
    scan = _Scan(ledger, claim, cutter=cutter, lease_s=lease_s, storage=storage or PictureStorage())
    try:
        state = scan.run()
    except ClaimLost:
        state = "lost"
    except FolderMissingError:
        raise
    except Exception as error:
        with contextlib.suppress(Exception):  # the ledger may be the trouble: then the lease runs out
            jobs.scan_broke(
                ledger, claim, error=f"{type(error).__name__}: {error}", counts=not isinstance(error, LedgerAway)
            )
        raise
    tally = scan.tally
    return ScanOutcome(state, scan.files, scan.to_do, cutter.chunks, tally.ignored, tuple(tally.unreadable))


class _Scan:
    def __init__(
        self, ledger: Ledger, claim: ScanClaim, *, cutter: ChunkCutter, lease_s: float, storage: PictureStorage
    ) -> None:
        self.tally = WalkTally()
        self.files = 0
        self.to_do = 0
        self._ledger = ledger
        self._claim = claim
        self._cutter = cutter
        self._lease_s = lease_s
        self._storage = storage
        self._beaten = time.monotonic()
        self._found: list[FoundFile] = []

    def run(self) -> str:
        claim = self._claim
        if claim.fence > 1:
            places.forget_seen(self._ledger, claim.job_id, fence=claim.fence, tick=self._beat)
        for file in self._files():
            self._found.append(FoundFile(path=file.path, size=file.size, mtime_ns=file.mtime_ns))
            if len(self._found) >= (_RECORD_FILES if self.files else _FIRST_FILES):
                self._record()
        self._record()
        self._refuse_what_looks_unmounted()
        self._cutter.flush()
        self._report()
        hidden = {path for path, _ in self.tally.unreadable}
        places.finish_scan(self._ledger, claim.job_id, fence=claim.fence, hidden=hidden, tick=self._beat)
        if not jobs.scan_done(self._ledger, claim):
            return "lost"
        return "incomplete" if self.tally.unreadable else "done"

    def _files(self) -> Iterable[FolderFile]:
        root = self._claim.source.root
        if is_object(root):
            return walk_bucket(self._storage, root, self.tally, tick=self._beat)
        return walk(self._storage.here(root), self.tally, tick=self._beat)

    def _refuse_what_looks_unmounted(self) -> None:
        """A mount point without its disk is an empty folder: all pictures would be taken for deleted."""
        root = self._claim.source.root
        if self.files and not is_object(root) and (lost := self._storage.unseen(root)) is not None:
            raise FolderMissingError(f"lost while it was scanned: {lost}")
        if self.files or self.tally.ignored or self.tally.unreadable:
            return
        if known := places.count_there(self._ledger, self._claim.source.id):
            where = f"the bucket {os.fsdecode(root)}" if is_object(root) else f"the folder {self._storage.shown(root)}"
            raise FolderMissingError(
                f"{where} is empty, and {known:,} pictures of it are known: mount it or restore it,"
                " or delete the source if they are gone for good"
            )

    def _record(self) -> None:
        if not self._found:
            return
        claim = self._claim
        to_do = places.record_files(
            self._ledger, job_id=claim.job_id, source_id=claim.source.id, files=self._found, fence=claim.fence
        )
        self.files += len(self._found)
        self.to_do += len(to_do)
        self._found.clear()
        fault_points.reach("scan.recorded")
        self._cutter.add(to_do)

    def _beat(self) -> None:
        if time.monotonic() - self._beaten < min(_BEAT_S, self._lease_s / 4):
            return
        self._beaten = time.monotonic()
        if not jobs.heartbeat_scan(self._ledger, self._claim, self._lease_s):
            raise ClaimLost(f"The scan of job {self._claim.job_id} was stopped, or is another worker's.")

    def _report(self) -> None:
        """Folders that could not be listed, and what only has a picture's name, among the job's bad files."""
        claim = self._claim
        found = list(self.tally.no_file)
        for path, words in self.tally.unreadable:
            logger.warning("%r in %r cannot be listed: %s", os.fsdecode(path), claim.source.name, words)
            reason = f"the folder cannot be listed ({words}): check its permissions, then scan again"
            found.append((path, "unreadable", reason))
        for start in range(0, len(found), _RECORD_FILES):
            with self._ledger.write() as connection:
                values = {"job_id": claim.job_id, "source_id": claim.source.id, "at": clock(connection)}
                connection.execute(
                    insert_or(connection, tables.bad_file).on_conflict_do_nothing(),
                    [
                        {**values, "path": path, "kind": kind, "reason": plain_text(reason)}
                        for path, kind, reason in found[start : start + _RECORD_FILES]
                    ],
                )
