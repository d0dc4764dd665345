"""Feeds one decode child from a queue and outlives it: a death costs one file, the rest goes to a new child."""

from __future__ import annotations

import queue
import select
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from ingest.decode import DecodeError, StageSeconds
from ingest.frames import (
    DOORBELL,
    JOURNAL_BYTES,
    SLOT_BYTES,
    SLOTS,
    FrameError,
    Request,
    Result,
    pack_request,
    read_answer,
)
from ingest.process import ChildProcess, PoolError

_LOOK_S = 0.1  # how often a silent child's journal is looked at
_MAX_STALLS = 3


@dataclass(frozen=True, slots=True)
class Group:
    """The results of a group in the order of its items, and where the child's time went."""

    results: list[Result]
    seconds: StageSeconds


@dataclass(slots=True)
class Job:
    """A group on its way: what is left of it, what is known already, and where a child died in it."""

    request: Request
    future: Future[Group]
    results: list[Result] = field(default_factory=list)
    seconds: StageSeconds = field(default_factory=StageSeconds)
    died_at: int = -1
    stalls: int = 0

    def add(self, results: list[Result], seconds: StageSeconds) -> None:
        self.results += results
        self.request = self.request.tail(len(results))
        self.seconds.read += seconds.read
        self.seconds.hash += seconds.hash
        self.seconds.decode += seconds.decode
        self.seconds.thumbnail += seconds.thumbnail


@dataclass(slots=True)
class _Sent:
    group: int
    slot: int
    job: Job


class Channel:
    """A thread, its decode child, and the groups that the child has not answered yet (at most SLOTS)."""

    def __init__(self, inbox: queue.SimpleQueue[Job | None], *, memory_mb: int, file_timeout_s: float) -> None:
        self._inbox = inbox
        self._memory_mb = memory_mb
        self._file_timeout_s = file_timeout_s
        self._child: ChildProcess | None = None
        self._sent: deque[_Sent] = deque()
        self._groups = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="decode-channel", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the child at once; groups on their way fail with PoolError. One that waits for a group needs a None."""
        self._closed = True
        child = self._child
        if child is not None:
            child.kill()

    def join(self) -> None:
        self._thread.join(timeout=10)

    def at(self) -> tuple[int, bytes] | None:
        """The child's process id and the path it is decoding now (empty for bytes)."""
        child, sent = self._child, list(self._sent)
        if child is None:
            return None
        try:
            group, index, busy = child.journal()
        except ValueError:  # unmapped meanwhile
            return None
        for one in sent:
            if busy and one.group == group and index < len(one.job.request.items):
                item = one.job.request.items[index]
                return child.pid, b"" if isinstance(item, bytes) else item.path
        return None

    def _run(self) -> None:
        try:
            self._child = self._start()
        except PoolError:
            self._child = None  # tried again, and reported, with the first group
        while not self._closed:
            self._take()
            if self._sent:
                try:
                    self._collect()
                except PoolError as error:
                    self._fail(error)
        self._fail(PoolError("the decode pool is closed"))
        child = self._child
        if child is not None:
            child.ending()
            child.release()

    def _take(self) -> None:
        while len(self._sent) < SLOTS and not self._closed:
            try:
                job = self._inbox.get(block=not self._sent)
            except queue.Empty:
                return
            if job is None or not job.future.set_running_or_notify_cancel():
                continue
            taken = {one.slot for one in self._sent}
            slot = next(number for number in range(SLOTS) if number not in taken)
            self._groups += 1
            self._sent.append(_Sent(self._groups, slot, job))
            if self._child is not None:
                self._send(self._child, self._sent[-1])

    def _send(self, child: ChildProcess, sent: _Sent) -> None:
        child.send(sent.group, sent.slot, pack_request(sent.job.request))

    def _start(self) -> ChildProcess:
        for attempt in range(3):
            try:
                return ChildProcess(memory_mb=self._memory_mb)
            except PoolError:
                if attempt == 2 or self._closed:
                    raise
                time.sleep(0.2 * (attempt + 1))
        raise AssertionError("unreachable")

    def _collect(self) -> None:
        """Waits for the oldest group's answer, or for the child's end, or for its time to be up."""
        child = self._child
        if child is None:
            child = self._child = self._start()
            for sent in self._sent:
                self._send(child, sent)
        first = self._sent[0]
        if not self._wait(child):
            self._recover(child, timed_out=not self._closed)
            return
        try:
            frame = child.socket.recv(DOORBELL.size, socket.MSG_WAITALL)
        except OSError:
            frame = b""
        if len(frame) != DOORBELL.size:
            self._recover(child, timed_out=False)
            return
        try:
            if DOORBELL.unpack(frame)[:2] != (first.group, first.slot):
                raise FrameError("a decode child answered another group")
            first.job.add(*self._read(child, first, len(first.job.request.items)))
        except FrameError:
            child.ending()
            child.release()
            self._child = None
            self._stall(first.job)
            return
        self._sent.popleft()
        first.job.future.set_result(Group(first.job.results, first.job.seconds))

    def _read(self, child: ChildProcess, sent: _Sent, done: int) -> tuple[list[Result], StageSeconds]:
        start = JOURNAL_BYTES + sent.slot * SLOT_BYTES
        with memoryview(child.memory) as whole, whole[start : start + SLOT_BYTES] as slot:
            return read_answer(slot, sent.job.request, done)

    def _wait(self, child: ChildProcess) -> bool:
        """False when one file has taken longer than it may."""
        poll = select.poll()
        poll.register(child.socket, select.POLLIN)
        at, spent = child.journal(), 0.0
        look_s = min(_LOOK_S, self._file_timeout_s / 4)
        while not self._closed:
            started = time.monotonic()
            if poll.poll(look_s * 1000):
                return True
            # Counted in small steps: a machine that slept, or a stopped parent, is not the file's fault.
            spent += min(time.monotonic() - started, 2 * look_s)
            now = child.journal()
            if now != at:
                at, spent = now, 0.0
            elif spent >= self._file_timeout_s:
                return False
        return False

    def _recover(self, child: ChildProcess, *, timed_out: bool) -> None:
        """Keeps what the dead child had finished, names the file it was at, and sends the rest to a new one."""
        ending = child.ending()
        self._child = None
        if not self._closed:
            self._keep(child, ending=ending, timed_out=timed_out)
        child.release()

    def _keep(self, child: ChildProcess, *, ending: str, timed_out: bool) -> None:
        first = self._sent[0]
        job = first.job
        group, index, busy = child.journal()
        if group != first.group or index > len(job.request.items):
            self._stall(job)
            return
        try:
            results, _ = self._read(child, first, index)
        except FrameError:
            self._stall(job)
            return
        job.add(results, StageSeconds())
        at = len(job.results)
        if busy and timed_out:
            reason = f"decoding it took longer than {self._file_timeout_s:g} s: save it again in another program"
            job.add([DecodeError("timeout", reason)], StageSeconds())
        elif busy and job.died_at == at:
            reason = f"it ended the decode process twice ({ending}): it is damaged or made to do harm, remove it"
            job.add([DecodeError("crashed", reason)], StageSeconds())
        elif busy:
            job.died_at = at  # once more: the kernel or a person may have ended a child that did nothing wrong
        elif job.request.items:
            self._stall(job)
            return
        if not job.request.items:
            self._sent.popleft()
            job.future.set_result(Group(job.results, job.seconds))

    def _stall(self, job: Job) -> None:
        job.stalls += 1
        if job.stalls > _MAX_STALLS:
            self._sent.popleft()
            job.future.set_exception(PoolError("decode processes die before they reach a file: is memory short?"))

    def _fail(self, error: PoolError) -> None:
        while self._sent:
            self._sent.popleft().job.future.set_exception(error)
