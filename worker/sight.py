"""What this worker cannot read: such chunks and scans go back to those who can, and no file is blamed."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from dataclasses import dataclass

from catalog import chunks, jobs, unreadable
from catalog.chunks import ClaimedChunk
from catalog.jobs import ScanClaim
from worker.client import WorkerUnavailable
from worker.context import Context
from worker.pulse import ALIVE_WITHIN_S

FINE_S = 5.0  # so long a look at a source that could be read holds
LOOK_AGAIN_S = 10.0  # so soon is a disk noticed that was mounted meanwhile
OTHER_WORK = 10  # times as long as a look took, where a server that does not answer makes it last

logger = logging.getLogger("ruiji.sight")


@dataclass(frozen=True)
class _Blind:
    root: bytes
    again_at: float


class Sight:
    """Sources by whether this machine sees them; used by the embed loop and the thread that scans beside it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._blind: dict[int, _Blind] = {}
        self._fine: dict[int, float] = {}

    @property
    def unreadable(self) -> frozenset[int]:
        """The sources that chunks are not claimed of."""
        return frozenset(self._blind)

    def look_again(self) -> None:
        """At what could not be read some time ago."""
        for source_id, blind in list(self._blind.items()):
            if time.monotonic() >= blind.again_at:
                self._look(source_id, blind.root)

    def misses(self, chunk: ClaimedChunk, *, surely: bool = False) -> bool:
        """Whether a source of the chunk cannot be read here; then the chunk is handed back, and everybody is told.

        `surely`: look, also where a look a moment ago found it to be fine.
        """
        for source_id, root in {item.source_id: item.root for item in chunk.items}.items():
            if not surely and time.monotonic() - self._fine.get(source_id, -FINE_S) < FINE_S:
                continue
            if (reason := self._look(source_id, root)) is not None:
                chunks.hand_back(self._context.ledger, chunk, error=self._told(source_id, reason))
                self._wake()
                return True
        return False

    def left_to_others(self) -> frozenset[int]:
        """The sources that this worker cannot read, and another one perhaps can."""
        return unreadable.left_to_others(
            self._context.ledger,
            worker=self._context.presence.name,
            source_ids=self.unreadable,
            alive_within_s=ALIVE_WITHIN_S,
        )

    def saw(self, source_id: int) -> None:
        """A source can be read, perhaps again."""
        if source_id in self._blind:
            unreadable.forget_unreadable(self._context.ledger, worker=self._context.presence.name, source_id=source_id)
            self._blind.pop(source_id, None)

    def scan_missed(self, claim: ScanClaim, reason: str) -> None:
        """The scan's source cannot be read here: another worker does it, or, where none can, the job has failed."""
        context, source_id = self._context, claim.source.id
        self._note(source_id, claim.source.root, reason)
        if self.left_to_others() & {source_id}:
            jobs.hand_scan_back(context.ledger, claim)
            self._wake()
            return
        said = self._everybody(source_id)
        jobs.fail_scan(context.ledger, claim, error="; ".join(said) if len(said) > 1 else reason)

    def _look(self, source_id: int, root: bytes) -> str | None:
        began = time.monotonic()
        reason = self._context.storage.unseen(root)
        if reason is None:
            self._fine[source_id] = time.monotonic()
            self.saw(source_id)
        else:
            self._note(source_id, root, reason, looked_s=time.monotonic() - began)
        return reason

    def _note(self, source_id: int, root: bytes, reason: str, *, looked_s: float = 0.0) -> None:
        context = self._context
        if source_id not in self._blind:
            logger.error("source %d: %s", source_id, reason)
        again_at = time.monotonic() + LOOK_AGAIN_S + OTHER_WORK * looked_s
        self._blind[source_id] = _Blind(root, again_at)
        self._fine.pop(source_id, None)
        unreadable.note_unreadable(context.ledger, worker=context.presence.name, source_id=source_id, reason=reason)

    def _told(self, source_id: int, reason: str) -> str:
        if self.left_to_others() & {source_id}:
            return f"{socket.gethostname()}: {reason}; other machines go on with it"
        return unreadable.nobody_reads(self._everybody(source_id) or [f"{socket.gethostname()}: {reason}"])

    def _everybody(self, source_id: int) -> list[str]:
        """What the live workers say of a source that they cannot read, each host once."""
        rows = unreadable.list_unreadable(self._context.ledger, alive_within_s=ALIVE_WITHIN_S)
        return sorted({f"{row.host}: {row.reason}" for row in rows if row.source_id == source_id})

    def _wake(self) -> None:
        with contextlib.suppress(WorkerUnavailable):  # the sweep will
            self._context.client.wake_embed()
