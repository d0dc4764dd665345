"""The embed worker's loop: scans and chunks from the ledger until none is left."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from catalog import chunks, jobs, rests
from catalog.chunks import ClaimedChunk
from catalog.jobs import ScanClaim
from encoder.embed import Embedder
from ingest.pool import DecodePool
from ingest.scan import FolderMissingError, scan_source
from ingest.stream import ChunkOutcome, embed_chunks
from worker.client import WorkerUnavailable
from worker.context import Context
from worker.rests import Rests
from worker.sight import Sight

FINISH_WITHIN_S = 3.0
ASK_FOR_SCANS_S = 1.0  # between two chunks; a wake-up asks at once

logger = logging.getLogger("ruiji.embed")


class EmbedLoop:
    """Keeps its decode children between wake-ups: to start them takes half a second."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pools: dict[int, DecodePool] = {}
        self._scan: threading.Thread | None = None
        self._asked_for_scans = 0.0
        self._told_to_stop = 0.0
        self._rests = Rests()
        self._owed: list[ClaimedChunk] = []
        self._sight = Sight(context)

    def close(self) -> None:
        """End the decode children."""
        for pool in self._pools.values():
            pool.close()

    def run(self) -> None:
        """Work until nothing is open: a wake-up that finds nothing costs two looks at the ledger."""
        context = self._context
        self._hand_back_owed()
        found = False
        while not context.stopping.is_set():
            self._sight.look_again()
            self._start_scan()
            if self._embed_oldest(wake_another=not found):
                found = True
                continue
            if not self._scanning():
                break
            context.stopping.wait(0.05)  # its first chunks are about to come
        context.presence.doing = ""
        for job in jobs.complete_jobs(context.ledger):
            logger.info("job %d is done", job)

    def _embed_oldest(self, *, wake_another: bool) -> bool:
        """Stream the chunks of the encoder that has waited longest; False if there is none, or all of them rest.

        An encoder is loaded before a chunk is claimed: one that cannot be loaded must not cost a chunk anything.
        """
        context = self._context
        for encoder_id in chunks.waiting_encoders(context.ledger):
            if self._rests.holds(encoder_id):
                continue
            try:
                embedder = context.models.embedder(encoder_id)
                pool = self._pool(embedder.input_size)
            except Exception as error:
                self._trouble(encoder_id, error)
                with contextlib.suppress(Exception):  # the ledger may be the trouble
                    chunks.note_trouble(context.ledger, encoder_id=encoder_id, error=str(error) or type(error).__name__)
                continue
            first = self._claim(encoder_id)
            if first is not None:
                if wake_another:
                    # Where there was one chunk there may be more: so all idle workers are up after as many messages,
                    # one at a time, and whoever finds nothing sends none.
                    self._wake(context.client.wake_embed)
                self._embed(first, embedder, pool)
                return True
        return False

    def _claim(self, encoder_id: str) -> ClaimedChunk | None:
        context = self._context
        while not context.stopping.is_set():
            if time.monotonic() - self._asked_for_scans > ASK_FOR_SCANS_S:
                self._start_scan()
            chunk = chunks.claim_chunk(
                context.ledger,
                worker=context.presence.name,
                lease_s=context.limits.lease_s,
                encoder_ids=[encoder_id],
                without_sources=self._sight.unreadable,
            )
            if chunk is None or not self._misses(chunk):
                return chunk
        return None

    def _misses(self, chunk: ClaimedChunk) -> bool:
        """Whether this machine sees nothing of the chunk's source, and has handed it back."""
        self._owed.append(chunk)  # as long as it is looked at: the ledger may be locked then
        missed = self._sight.misses(chunk)
        self._owed.remove(chunk)
        return missed

    def _scanning(self) -> bool:
        return self._scan is not None and self._scan.is_alive()

    def _start_scan(self) -> None:
        """Scan in a thread beside the embedding, one source at a time."""
        self._asked_for_scans = time.monotonic()
        if self._scanning():
            return
        context = self._context
        claim = jobs.claim_scan(
            context.ledger,
            worker=context.presence.name,
            lease_s=context.limits.lease_s,
            without_sources=self._sight.left_to_others(),
        )
        if claim is not None:
            self._scan = threading.Thread(target=self._run_scan, args=(claim,), name="scan", daemon=True)
            self._scan.start()

    def _run_scan(self, claim: ScanClaim) -> None:
        context = self._context
        try:
            found = scan_source(
                context.ledger,
                claim,
                chunk_files=context.limits.chunk_files,
                chunk_mb=context.limits.chunk_mb,
                lease_s=context.limits.lease_s,
                on_chunks=lambda _: self._found(claim),
                storage=context.storage,
            )
            logger.info("scan of %s: %s, %d files, %d to do", claim.source.name, found.state, found.files, found.to_do)
        except FolderMissingError as error:
            logger.error("%s", error)
            self._sight.scan_missed(claim, str(error))
        except Exception:  # the lease runs out and the scan begins again; the chunks so far are not lost
            logger.exception("scan of %s broke off", claim.source.name)

    def _found(self, claim: ScanClaim) -> None:
        self._sight.saw(claim.source.id)
        self._wake(self._context.client.wake_embed)

    def _embed(self, first: ClaimedChunk, embedder: Embedder, pool: DecodePool) -> None:
        """Stream the claimed chunk and all that follow it for the same encoder, each overlapped with the next."""
        context = self._context
        waiting, open_chunks = [first], {first.id: first}

        def claim() -> ClaimedChunk | None:
            chunk = waiting.pop() if waiting else self._claim(first.encoder_id)
            if chunk is not None:
                open_chunks[chunk.id] = chunk
                context.presence.doing = f"embedding chunk {chunk.id} of job {chunk.job_id}"
            return chunk

        outcomes = embed_chunks(
            context.ledger,
            context.store,
            claim=claim,
            embed=embedder.embed,
            pool=pool,
            heartbeat=self._heartbeat,
            lease_s=context.limits.lease_s,
            rest_s=rests.CHUNK_S,
            storage=context.storage,
            unseen=lambda chunk: self._sight.misses(chunk, surely=True),
        )
        try:
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    open_chunks.pop(outcome.chunk_id, None)
                    if outcome.state == "committed":
                        self._rests.end(first.encoder_id)
                    self._report(outcome)
        except Exception as error:
            self._trouble(first.encoder_id, error)
            self._context.models.forget(first.encoder_id)
            self._pools.pop(embedder.input_size).close()
        finally:
            self._owed += open_chunks.values()
        self._hand_back_owed()

    def _trouble(self, encoder_id: str, error: Exception) -> None:
        rest_s = self._rests.begin(encoder_id)
        logger.error("embedding rests for %.0f s: %s", rest_s, error, exc_info=error)

    def _hand_back_owed(self) -> None:
        """Chunks that a locked or unreachable ledger did not take back when it should have."""
        while self._owed:
            try:
                chunks.hand_back(self._context.ledger, self._owed[-1])
            except Exception as error:
                logger.warning("chunk %d is not handed back yet: %s", self._owed[-1].id, error)
                return
            self._owed.pop()

    def _heartbeat(self, chunk: ClaimedChunk) -> str:
        """Renew a chunk's lease; told to stop, finish what takes a moment only and hand back the rest."""
        context = self._context
        if context.stopping.is_set():
            self._told_to_stop = self._told_to_stop or time.monotonic()
            if time.monotonic() - self._told_to_stop > FINISH_WITHIN_S:
                return "paused"
        return str(chunks.heartbeat_chunk(context.ledger, chunk, lease_s=context.limits.lease_s))

    def _report(self, outcome: ChunkOutcome) -> None:
        if outcome.state == "committed":
            self._context.presence.images += outcome.embedded
            self._wake(self._context.client.wake_index)
        logger.info(
            "chunk %d of job %d: %s, %d embedded, %d known, %d bad",
            outcome.chunk_id, outcome.job_id, outcome.state, outcome.embedded, outcome.known, outcome.bad,
        )  # fmt: skip

    @staticmethod
    def _wake(wake: Callable[[], None]) -> None:
        try:
            wake()
        except WorkerUnavailable as error:  # the sweep will
            logger.warning("%s", error)

    def _pool(self, size: int) -> DecodePool:
        if size not in self._pools:
            limits = self._context.limits
            self._pools[size] = DecodePool(
                limits.decode_processes,
                size=size,
                max_pixels=limits.max_pixels,
                memory_mb=limits.decode_memory_mb,
                file_timeout_s=limits.decode_timeout_s,
            )
        return self._pools[size]
