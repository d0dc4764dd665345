"""What the tasks of one worker process work with; made once, when the worker starts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.storage.pictures import PictureStorage
from worker.client import Client
from worker.models import Models
from worker.presence import Presence
from worker.replies import Replies

if TYPE_CHECKING:
    from catalog.index import VectorIndex  # loads pymilvus, a second that only the index worker needs


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Settings that the tasks need, as values."""

    chunk_files: int
    chunk_mb: int
    lease_s: float
    max_pixels: int
    decode_processes: int
    decode_timeout_s: float
    decode_memory_mb: int


@dataclass(kw_only=True)
class Context:
    """Connections and caches of a worker process. `stopping` is set by SIGTERM: finish or hand back, then return."""

    queue: str
    home: Path
    ledger: Ledger
    store: ArtifactStore
    client: Client
    replies: Replies
    models: Models
    presence: Presence
    limits: Limits
    storage: PictureStorage = field(default_factory=PictureStorage)  # where this machine reads pictures
    device: str = "cpu"
    runs: Path = Path("runs")  # the folders of training runs; shared by all machines that train
    train_address: str = "127.0.0.1"  # at which other machines that train reach this one
    index: VectorIndex | None = None  # only the index worker opens one
    mirrored: str = ""  # the collection that this worker has pointed Milvus's alias to
    stopping: threading.Event = field(default_factory=threading.Event)
