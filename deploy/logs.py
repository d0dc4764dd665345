"""One tidy log of all parts: time, part, line, on the terminal and in home/logs."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TextIO, cast

COLOURS = {
    "ruiji": 36, "valkey": 90, "milvus": 90, "query": 32, "embed": 33, "train": 33, "index": 35, "beat": 90, "web": 34
}  # fmt: skip
# faiss writes the first for each small segment of milvus-lite, past every logger; the segments grow and are made
# anew. Valkey writes the second at every start; it concerns snapshots, which are off.
NOISE = ("WARNING clustering ", "Memory overcommit must be enabled")
# How the parts begin a line about what goes well: hundreds of an ingest, between which a person would find nothing.
ROUTINE = ("INFO ", "DEBUG ")
LARGEST_LOG = 10 * 1024 * 1024
LAST_WORDS_WITHIN_S = 1.0


class Log:
    """Reads the parts' pipes from one thread and writes whole lines.

    `routine`: on a person's terminal too, not in the files alone. What is piped on, to a service's log, always has all.
    """

    def __init__(
        self, folder: Path, *, terminal: TextIO | None = None, form: str = "plain", routine: bool = True
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._terminal = terminal or sys.stdout
        self._colour = self._terminal.isatty() and "NO_COLOR" not in os.environ
        self._json = form == "json"
        self._all_shown = routine or not self._terminal.isatty()
        self._all = self._open("ruiji")
        self._files: dict[str, IO[bytes]] = {}
        self._read_to_end: dict[str, threading.Event] = {}
        self._selector = selectors.DefaultSelector()
        self._partial: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._stop = threading.Event()
        self._thread.start()

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        self._write("ruiji", text)

    def follow(self, name: str, pipe: IO[bytes]) -> None:
        """Take over a part's output."""
        os.set_blocking(pipe.fileno(), False)
        self._files[name] = self._open(name)
        self._read_to_end[name] = threading.Event()
        self._selector.register(pipe, selectors.EVENT_READ, name)

    def tail(self, name: str, lines: int = 15, *, ended: bool = False) -> list[str]:
        """The last lines that a part has written, to explain its end.

        What a part that has `ended` said last is waited for; not long, for a child of its own may keep the pipe open.
        """
        if ended and name in self._read_to_end:
            self._read_to_end[name].wait(LAST_WORDS_WITHIN_S)
        try:
            text = (self._folder / f"{name}.log").read_text(errors="replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def close(self) -> None:
        """Write what the pipes still hold and end the thread."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _open(self, name: str) -> IO[bytes]:
        path = self._folder / f"{name}.log"
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_suffix(".old.log"))
        return path.open("ab", buffering=0)

    def _run(self) -> None:
        while True:
            # Decided before the look: after the last part has ended, one more round finds what it left.
            last = self._stop.is_set()
            events = self._selector.select(timeout=0.2) if self._selector.get_map() else []
            if not self._selector.get_map():
                time.sleep(0.05)
            for key, _ in events:
                self._read(cast(IO[bytes], key.fileobj), str(key.data))
            if last and not events:
                return

    def _read(self, pipe: IO[bytes], name: str) -> None:
        try:
            data = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(pipe)
            pipe.close()
        *lines, rest = (self._partial.pop(name, b"") + data).split(b"\n")
        if rest and not data:
            lines, rest = [*lines, rest], b""
        self._partial[name] = rest[-65536:]
        for line in lines:
            if (text := line.decode(errors="replace").rstrip()) and not any(noise in text for noise in NOISE):
                self._write(name, text)
        if not data:
            self._read_to_end[name].set()

    def _write(self, name: str, text: str) -> None:
        if self._json:
            self._write_json(name, text)
        else:
            self._write_plain(name, text)

    def _write_json(self, name: str, text: str) -> None:
        line = as_json(name, text)
        with self._lock:
            for sink in filter(None, (self._all, self._files.get(name))):
                with contextlib.suppress(OSError):
                    sink.write(line.encode() + b"\n")
            with contextlib.suppress(OSError, ValueError):
                print(line, file=self._terminal, flush=True)

    def _write_plain(self, name: str, text: str) -> None:
        clock = time.strftime("%H:%M:%S")
        # What a picture's file name holds must not steer the terminal.
        text = "".join(letter if letter.isprintable() or letter == "\t" else "\ufffd" for letter in text)
        with self._lock:
            with contextlib.suppress(OSError):  # a full disk must not end the log on the terminal too
                self._all.write(f"{clock} {name:<7} {text}\n".encode())
                if name in self._files:
                    self._files[name].write(f"{time.strftime('%Y-%m-%d')} {clock} {text}\n".encode())
            if not self._all_shown and name in self._files and text.startswith(ROUTINE):
                return
            label = f"\x1b[{COLOURS.get(name, 0)}m{name:<7}\x1b[0m" if self._colour else f"{name:<7}"
            with contextlib.suppress(OSError, ValueError):  # the terminal was closed; the files go on
                print(clock, label, text, file=self._terminal, flush=True)


def as_json(name: str, text: str) -> str:
    """A part's line as one JSON object: its own, with the part's name, or one around what Valkey and Milvus write."""
    line: object = None
    if text.startswith("{"):
        with contextlib.suppress(ValueError):
            line = json.loads(text)
    if not isinstance(line, dict) or "message" not in line:
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": "INFO", "message": text}
    return json.dumps({**line, "part": name}, ensure_ascii=True)
