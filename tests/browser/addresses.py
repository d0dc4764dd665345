"""The addresses of all pages, as the application itself knows them: a new page is found without being named here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from catalog.artifacts import ArtifactStore
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from webui.app import create_app
from webui.config import WebConfig
from worker.client import Client

NO_PAGES = ("api.", "static")  # beginnings of endpoints
TABS = {"/labels/<int:label_id>": ("", "?tab=suggested", "?tab=compare")}
MISSING = "/nowhere"  # which is a page too


@contextmanager
def unconnected(room: Path) -> Iterator[Flask]:
    """The application, for its addresses alone: it connects to nothing."""
    ledger = Ledger.open(f"sqlite:///{room}/ledger.db")
    config = WebConfig(
        ledger=ledger,
        index=VectorIndex("http://127.0.0.1:9"),
        store=ArtifactStore(room / "artifacts"),
        client=Client("redis://127.0.0.1:9/0"),
        secret_key=b"a key for tests, 32 bytes long..",
        samples_dir=room,
    )
    yield create_app(config)
    ledger.close()


def pages(app: Flask) -> list[Rule]:
    """What may be asked for and is no part of the API."""
    rules = app.url_map.iter_rules()
    return [rule for rule in rules if "GET" in (rule.methods or ()) and not rule.endpoint.startswith(NO_PAGES)]


def addresses(app: Flask, known: Mapping[str, Any]) -> Iterator[str]:
    """The address of each page, with real ids."""
    for rule in pages(app):
        missing = rule.arguments - known.keys()
        assert not missing, f"{rule.rule} is new: give `known` a real {', '.join(sorted(missing))} for it"
        built = rule.build({name: known[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None, rule.rule
        for tab in TABS.get(rule.rule, ("",)):
            yield built[1] + tab
