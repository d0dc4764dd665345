"""Entry point of the web server: reads the settings and builds the application from them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from flask import Flask

from catalog.artifacts import ArtifactStore
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.storage.pictures import PictureStorage
from settings import Settings, default_home
from webui.app import create_app
from webui.config import WebConfig
from worker.client import Client

# A connection for each of 16 threads: 90 images of 100,000 are described as fast with 2 MB as with 16.
PAGE_CACHE_MB = 2


def build_application(settings: Settings | None = None, *, login: bool = True) -> Flask:
    """The application that this installation's settings describe; `login`: whether people sign in where it listens."""
    settings = settings or Settings()
    settings.check()
    return create_app(
        WebConfig(
            ledger=Ledger.open(settings.resolved_database_url(), page_cache_mb=PAGE_CACHE_MB),
            index=VectorIndex(
                settings.resolved_index_url(), token=settings.index_token, options=settings.index_options()
            ),
            store=ArtifactStore(settings.resolved_artifacts_url()),
            client=Client(settings.resolved_broker_url()),
            secret_key=install_secret(settings.home / "secret"),
            allowed_roots=tuple(settings.allowed_roots),
            allowed_buckets=tuple(settings.allowed_buckets),
            storage=PictureStorage.of(**settings.where_pictures_are()),
            allowed_hosts=tuple(settings.allowed_hosts),
            shell_home="" if settings.home == default_home() else str(settings.home),
            draws_maps=not settings.broker_url,
            samples_dir=settings.resolved_samples_dir(),
            max_upload_mb=settings.max_upload_mb,
            query_timeout_s=settings.query_timeout_s,
            metrics_token=settings.metrics_token,
            login=login,
            https=settings.https,
            proxies=settings.proxies,
        )
    )


def install_secret(path: Path) -> bytes:
    """The random key of this installation, made at the first start and readable by its owner only."""
    try:
        found = path.read_bytes()
        if len(found) >= 32:
            return found
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_bytes(32))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    return path.read_bytes()
