"""What the web server is made of: everything arrives here, nothing is read from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import current_app

from catalog.artifacts import ArtifactStore
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.passwords import Passwords
from catalog.sessions import Lifetime
from catalog.sign_in import Door
from catalog.sign_in_limits import Limits
from catalog.storage.pictures import PictureStorage
from curate.confusion import Comparer
from curate.folding import Folder
from curate.hunt import Hunter
from curate.review import Reviewer
from curate.suggest import Suggester
from curate.suggested import LabelSuggester
from worker.client import Client

from .readiness import Readiness

if TYPE_CHECKING:
    from .metrics import Metrics  # which needs what is here

EXTENSION = "ruiji"


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """The parts that the pages and the API speak to, and their limits.

    `secret_key` signs sessions and CSRF tokens: random, kept by the caller with the installation (mode 0600).
    `allowed_hosts` are the names, without port, that a request may be addressed to. Limits are Flask-Limiter's
    notation, counted per address in this process's memory.

    Without `login` everybody who reaches the page is `author`, and may do everything. `https`: the page is reached by
    https alone, through a proxy, of which `proxies` stand in front and say whom they speak for.

    `shell_home`: the folder that a command in a shell has to be told as RUIJI_HOME; empty where it finds it by itself.
    `draws_maps`: on this machine, by what is installed here; where workers are elsewhere, nobody knows.
    """

    ledger: Ledger
    index: VectorIndex
    store: ArtifactStore
    client: Client
    secret_key: bytes
    allowed_roots: tuple[Path, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    storage: PictureStorage = field(default_factory=PictureStorage)
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    shell_home: str = ""
    draws_maps: bool = False
    samples_dir: Path | None = None
    max_upload_mb: int = 20
    query_timeout_s: float = 8.0
    author: str = "local"
    login: bool = False
    https: bool = False
    proxies: int = 0
    passwords: Passwords = field(default_factory=Passwords)
    session_lifetime: Lifetime = field(default_factory=Lifetime)
    sign_in_limits: Limits = field(default_factory=Limits)
    request_limit: str = "600/second"
    search_limit: str = "200/second"
    metrics_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Parts:
    """The configuration of one application and what it keeps in memory."""

    config: WebConfig
    suggester: Suggester
    hunter: Hunter
    reviewer: Reviewer
    comparer: Comparer
    label_suggester: LabelSuggester
    folder: Folder
    metrics: Metrics
    readiness: Readiness
    door: Door
    version: str  # the installation's own, the same over restarts: what belongs to another one is told by it


def parts() -> Parts:
    """The parts of the application that serves the current request."""
    return cast(Parts, current_app.extensions[EXTENSION])
