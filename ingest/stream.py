"""Claimed chunks -> shards, thumbnails and ledger rows, with reading, decoding, embedding and committing overlapped.

Decode children work a few groups ahead of this thread, which looks up what is known and hands batches to the network
in a second thread; a third writes and commits complete chunks. The next chunk is claimed while this one is still being
decoded: at most two are open and two complete.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from catalog.artifacts import ArtifactStore
from catalog.chunks import ChunkItem, ClaimedChunk, hand_back, heartbeat_chunk
from catalog.ledger import Ledger
from catalog.storage.address import whole_path
from catalog.storage.pictures import PictureStorage
from ingest.channel import Group
from ingest.commit import ChunkOutcome, StorageFullError, commit, unfinished
from ingest.forward import Embed, Forward
from ingest.gather import Gathered
from ingest.pool import DecodePool, FileToRead, cut_groups
from ingest.reading import PictureReader

__all__ = ["ChunkOutcome", "Heartbeat", "StorageFullError", "embed_chunk", "embed_chunks"]

logger = logging.getLogger("ruiji.ingest")
Heartbeat = Callable[[ClaimedChunk], str]

_AHEAD = 4  # groups that wait for this thread, for each decode child
_OPEN_CHUNKS = 2
_COMMITTING = 2
_ASK_AGAIN_S = 0.5  # a claim that finds nothing is a write transaction too
_BEAT_S = 1.0  # so soon is a pause or a cancel noticed


def embed_chunk(
    ledger: Ledger,
    store: ArtifactStore,
    chunk: ClaimedChunk,
    *,
    embed: Embed,
    pool: DecodePool,
    batch: int = 128,
    heartbeat: Heartbeat | None = None,
    lease_s: float = 60.0,
) -> ChunkOutcome:
    """Does one chunk. For more than one, `embed_chunks` overlaps the end of each with the start of the next."""
    chunks = iter([chunk])
    outcomes = embed_chunks(
        ledger,
        store,
        claim=lambda: next(chunks, None),
        embed=embed,
        pool=pool,
        batch=batch,
        heartbeat=heartbeat,
        lease_s=lease_s,
    )
    with contextlib.closing(outcomes):
        return next(outcomes)


def embed_chunks(
    ledger: Ledger,
    store: ArtifactStore,
    *,
    claim: Callable[[], ClaimedChunk | None],
    embed: Embed,
    pool: DecodePool,
    batch: int = 128,
    heartbeat: Heartbeat | None = None,
    lease_s: float = 60.0,
    rest_s: float = 0.0,
    storage: PictureStorage | None = None,
    unseen: Callable[[ClaimedChunk], bool] = lambda chunk: False,
) -> Generator[ChunkOutcome]:
    """Yields the outcome of every chunk that `claim` gives, until it gives None and all are done.

    `embed` takes (n, s, s, 3) uint8 with s = pool.size and gives (n, d) float32 unit rows; `claim` must give chunks of
    that one encoder. `heartbeat` is called for every open chunk about once a second and answers go, paused, cancelled
    or lost; by default it renews the lease. `storage` knows where this machine reads a source; `unseen` is asked about
    a chunk with files that could not be read: whether this machine sees nothing of their source, and the chunk is
    handed back therefore. Closing the iterator hands back what is not being committed. Raises StorageFullError and
    whatever else went wrong here, after handing every chunk back: the one at which it happened with the error for its
    job, to rest for `rest_s`. An attempt counts against a chunk only when the whole process falls silent, for a
    process that can still say what is wrong with it was not ended by a file.
    """
    beat = heartbeat or (lambda chunk: heartbeat_chunk(ledger, chunk, lease_s=lease_s))
    reader = PictureReader(pool, storage)
    stream = _Stream(ledger, store, claim=claim, embed=embed, reader=reader, batch=batch, beat=beat, unseen=unseen)
    try:
        yield from stream.run()
    except Exception as error:
        stream.give_up(error, rest_s=rest_s)
        raise
    finally:
        stream.close()
        reader.close()


@dataclass(slots=True)
class _Open:
    """A claimed chunk whose groups are being cut, decoded or embedded."""

    gathered: Gathered
    started: float
    groups: Iterator[list[FileToRead]]
    cut: int = 0


@dataclass(slots=True)
class _Flying:
    chunk: _Open
    items: list[ChunkItem]
    future: Future[Group]


@dataclass(slots=True)
class _Committing:
    gathered: Gathered
    future: Future[ChunkOutcome]


class _Stream:
    def __init__(
        self,
        ledger: Ledger,
        store: ArtifactStore,
        *,
        claim: Callable[[], ClaimedChunk | None],
        embed: Embed,
        reader: PictureReader,
        batch: int,
        beat: Heartbeat,
        unseen: Callable[[ClaimedChunk], bool],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._claim = claim
        self._forward = Forward(embed)
        self._reader = reader
        self._batch = batch
        self._beat = beat
        self._unseen = unseen
        self._ask_again = 0.0
        self._beaten = time.monotonic()
        self._beating: list[tuple[ClaimedChunk, Future[str]]] = []
        self._open: deque[_Open] = deque()
        self._flying: deque[_Flying] = deque()
        self._committing: deque[_Committing] = deque()
        self._ended: list[ChunkOutcome] = []
        self._at: ClaimedChunk | None = None  # what an error that comes now has to do with
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._heart = ThreadPoolExecutor(1, thread_name_prefix="heartbeat")

    def run(self) -> Iterator[ChunkOutcome]:
        while True:
            self._feed()
            if self._flying:
                self._take()
            elif not self._committing and not self._ended:
                return
            self._heartbeats()
            yield from self._finished(wait=not self._flying)

    def give_up(self, error: Exception, *, rest_s: float) -> None:
        """Hands back the chunk that was being worked on when the error came."""
        if self._at is not None:
            with contextlib.suppress(Exception):
                hand_back(self._ledger, self._at, error=str(error) or type(error).__name__, rest_s=rest_s)

    def close(self) -> None:
        """Hands back every chunk that is open, and waits for commits under way."""
        for flying in self._flying:
            flying.future.cancel()
        self._flying.clear()
        for chunk in self._open:
            with contextlib.suppress(Exception):
                hand_back(self._ledger, chunk.gathered.chunk)
        self._open.clear()
        self._forward.close()
        self._committer.shutdown(wait=True)
        for committing in self._committing:  # behind the one that failed, and perhaps by its fault
            if committing.future.exception() is not None:
                with contextlib.suppress(Exception):
                    hand_back(self._ledger, committing.gathered.chunk)
        self._heart.shutdown(wait=True, cancel_futures=True)

    def _feed(self) -> None:
        """Keeps the decode children supplied, claiming another chunk when the open ones are all handed out."""
        while len(self._flying) < _AHEAD * self._reader.processes:
            chunk = self._next_to_cut()
            if chunk is None:
                return
            files = next(chunk.groups)
            items = chunk.gathered.chunk.items[chunk.cut : chunk.cut + len(files)]
            chunk.cut += len(files)
            self._flying.append(_Flying(chunk, list(items), self._reader.submit(files)))

    def _next_to_cut(self) -> _Open | None:
        while True:
            for chunk in self._open:
                if chunk.cut < len(chunk.gathered.chunk.items):
                    return chunk
            if len(self._open) >= _OPEN_CHUNKS or len(self._committing) >= _COMMITTING:
                return None
            if time.monotonic() < self._ask_again:
                return None
            claimed = self._claim()
            if claimed is None:
                self._ask_again = time.monotonic() + _ASK_AGAIN_S
                return None
            chunk = self._start(claimed)
            self._open.append(chunk)
            if not claimed.items:
                self._complete(chunk)

    def _start(self, chunk: ClaimedChunk) -> _Open:
        files = [FileToRead(whole_path(item.root, item.path), item.root) for item in chunk.items]
        gathered = Gathered(self._ledger, chunk, forward=self._forward, batch=self._batch)
        groups = cut_groups(files, [item.size for item in chunk.items], group_files=self._reader.group_files)
        return _Open(gathered, time.perf_counter(), groups)

    def _take(self) -> None:
        """Takes the oldest group in and embeds when a batch is full; gives up after a while so that hearts beat."""
        flying = self._flying[0]
        self._at = flying.chunk.gathered.chunk
        waited = time.perf_counter()
        try:
            group = flying.future.result(timeout=_BEAT_S)
        except TimeoutError:
            self._at = None
            return
        self._flying.popleft()
        chunk = flying.chunk
        seconds = chunk.gathered.seconds
        seconds["wait"] = seconds.get("wait", 0.0) + time.perf_counter() - waited
        chunk.gathered.take(flying.items, group)
        self._at = None
        if not chunk.gathered.left:
            self._complete(chunk)

    def _complete(self, chunk: _Open) -> None:
        self._open.remove(chunk)
        self._ask_again = 0.0
        if chunk.gathered.not_read and self._unseen(chunk.gathered.chunk):
            self._ended.append(unfinished(chunk.gathered, "handed_back"))
            return
        future = self._committer.submit(commit, self._ledger, self._store, chunk.gathered, started=chunk.started)
        self._committing.append(_Committing(chunk.gathered, future))

    def _heartbeats(self) -> None:
        """Beats in another thread, so that a busy ledger stalls nothing, but only while this one gets here: a worker
        that hangs loses its leases."""
        if not all(future.done() for _, future in self._beating):
            return
        for beaten, future in self._beating:
            chunk = next((one for one in self._open if one.gathered.chunk is beaten), None)
            if (error := future.exception()) is not None:
                logger.warning("no heartbeat for chunk %d: %s", beaten.id, error)  # its lease may bear it
            elif chunk is not None and future.result() != "go":
                self._drop(chunk, future.result())
        self._beating = []
        if time.monotonic() - self._beaten >= _BEAT_S:
            self._beaten = time.monotonic()
            alive = [one.gathered.chunk for one in self._committing] + [one.gathered.chunk for one in self._open]
            self._beating = [(chunk, self._heart.submit(self._beat, chunk)) for chunk in alive]

    def _drop(self, chunk: _Open, status: str) -> None:
        """Stops work on a chunk that was paused, cancelled or lost; what was done of it counts for nothing."""
        self._open.remove(chunk)
        for flying in self._flying:
            if flying.chunk is chunk:
                flying.future.cancel()
        self._flying = deque(flying for flying in self._flying if flying.chunk is not chunk)
        if status != "lost":
            hand_back(self._ledger, chunk.gathered.chunk)
        self._ended.append(unfinished(chunk.gathered, status))

    def _finished(self, *, wait: bool) -> Iterator[ChunkOutcome]:
        """Outcomes so far, in the order of completion; with `wait`, at least until the oldest commit is done."""
        yield from self._ended
        self._ended.clear()
        while self._committing:
            oldest = self._committing[0].future
            if not wait and not oldest.done() and len(self._committing) < _COMMITTING:
                return
            if not wait_for([oldest], timeout=_BEAT_S).done:
                return
            self._at = self._committing.popleft().gathered.chunk
            outcome = oldest.result()
            self._at = None
            yield outcome
