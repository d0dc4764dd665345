"""Encoders in this process: fetched from the artifact store, loaded once, with the engine that fits the device."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, get_encoder, serving_encoder
from catalog.ledger import Ledger
from encoder.embed import Embedder
from encoder.folder import EncoderDamaged

# The serving encoder, the one that is being filled beside it, and one that they are compared with.
MOST_LOADED = 3
# A promotion is noticed after at most this long; reading the row for each query would cost more than it brings.
SERVING_TTL_S = 0.5
LOAD_AGAIN_S = 5.0

logger = logging.getLogger("ruiji.models")


class NoEncoder(Exception):
    """Nothing serves yet; the message says what to do."""


def choose_device(setting: str) -> str:
    """`auto` becomes the first GPU where there is one and torch is installed, else the CPU. Loads no torch."""
    if setting != "auto":
        return "cuda:0" if setting == "cuda" else setting
    has_gpu = Path("/proc/driver/nvidia/version").exists()
    return "cuda:0" if has_gpu and importlib.util.find_spec("torch") is not None else "cpu"


class Models:
    """One Embedder per encoder id; safe to share between threads."""

    def __init__(
        self, ledger: Ledger, store: ArtifactStore, *, cache: Path, device: str, threads: int, latency: bool
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._cache = cache
        self._device = device
        self._threads = threads
        self._latency = latency
        self._loaded: OrderedDict[str, Embedder] = OrderedDict()
        self._lock = threading.Lock()  # of what is loaded; never held while one is being loaded
        self._loading: dict[str, threading.Lock] = {}
        self._serving: tuple[float, Encoder] | None = None
        self._in_use: tuple[str, Embedder] | None = None
        self._next: threading.Thread | None = None
        self._next_not_before = 0.0

    def serving(self) -> tuple[str, Embedder]:
        """Id and Embedder of the encoder in use. Raises NoEncoder.

        After a switch the encoder before goes on answering, under its own name, for the second in which the new one
        is loaded: nobody waits for that.
        """
        known = self._serving
        if known is None or time.monotonic() - known[0] > SERVING_TTL_S:
            encoder = serving_encoder(self._ledger)
            if encoder is None:
                raise NoEncoder("no encoder serves; `ruiji up` registers the shipped one")
            known = self._serving = (time.monotonic(), encoder)
        encoder, used = known[1], self._in_use
        if used is not None and used[0] == encoder.id:
            return used
        if used is None or self._is_loaded(encoder.id):
            used = self._in_use = (encoder.id, self._embedder(encoder))
        else:
            self._load_beside(encoder)
        return used

    def embedder(self, encoder_id: str) -> Embedder:
        """The Embedder of one encoder. UnknownEncoder."""
        with self._lock:
            found = self._loaded.get(encoder_id)
        return found or self._embedder(get_encoder(self._ledger, encoder_id))

    @property
    def used(self) -> str | None:
        """The encoder that answers here: the one that serves, or else the one that was loaded last."""
        with self._lock:
            return self._in_use[0] if self._in_use is not None else next(reversed(self._loaded), None)

    def forget(self, encoder_id: str) -> None:
        """Load this encoder anew the next time: after an error nobody knows what state its engine is in."""
        with self._lock:
            self._loaded.pop(encoder_id, None)
            if self._in_use is not None and self._in_use[0] == encoder_id:
                self._in_use = None

    def _is_loaded(self, encoder_id: str) -> bool:
        with self._lock:
            return encoder_id in self._loaded

    def _load_beside(self, encoder: Encoder) -> None:
        with self._lock:
            if time.monotonic() < self._next_not_before or (self._next is not None and self._next.is_alive()):
                return
            self._next_not_before = time.monotonic() + LOAD_AGAIN_S
            self._next = threading.Thread(target=self._load_next, args=(encoder,), name="load", daemon=True)
            self._next.start()

    def _load_next(self, encoder: Encoder) -> None:
        try:
            self._embedder(encoder)
        except Exception:  # the one before goes on, and says so in every answer; this is tried again
            logger.exception("%s serves and cannot be loaded; the encoder before goes on", encoder.name)
            return
        with self._lock:
            self._next_not_before = 0.0

    def _embedder(self, encoder: Encoder) -> Embedder:
        with self._lock:
            loading = self._loading.setdefault(encoder.id, threading.Lock())
        with loading:
            with self._lock:
                if (found := self._loaded.get(encoder.id)) is not None:
                    self._loaded.move_to_end(encoder.id)
                    return found
            folder = fetch_folder(self._store, encoder.folder, cache=self._cache / encoder.id)
            loaded = Embedder.load(
                folder,
                engine="openvino" if self._device == "cpu" else "torch",
                device=self._device,
                threads=self._threads,
                latency=self._latency,
            )
            if loaded.info.id != encoder.id:
                raise EncoderDamaged(
                    f"{folder} holds the encoder {loaded.info.id[:12]} in place of {encoder.id[:12]}: nothing is"
                    f" embedded with it. Remove that folder; `ruiji encoder import` puts the right one back"
                )
            with self._lock:
                self._loaded[encoder.id] = loaded
                while len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
            return loaded


def fetch_folder(store: ArtifactStore, key: str, *, cache: Path) -> Path:
    """The encoder folder as a local path: where the store keeps it, or a copy in `cache` that appears whole."""
    keys = sorted(store.list(key + "/"))
    if not keys:
        raise NoEncoder(f"the encoder folder {key} is missing from the artifact store; start `ruiji up` to restore it")
    first = store.local_path(keys[0])
    if first is not None:
        depth = keys[0].count("/") - key.count("/")
        return first.parents[depth - 1]
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=cache.parent, prefix=".fetching-"))
    try:
        for name in keys:
            target = partial / name.removeprefix(key + "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(store.get(name))
        try:
            partial.rename(cache)
        except OSError:
            if not cache.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return cache
