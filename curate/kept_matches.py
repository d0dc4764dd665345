"""Matches held still under a token while a person makes up their mind, in the artifact store, for an hour."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from dataclasses import asdict
from typing import Any

import numpy as np

from catalog.artifacts import ArtifactMissing, ArtifactStore, InvalidKey
from catalog.errors import CatalogError
from catalog.search_filter import SearchFilter
from curate.matches import Match

FOLDER = "matches"  # the sweep clears it


class MatchGone(CatalogError):
    """No selection is kept under this token."""

    def __init__(self) -> None:
        super().__init__("This selection is not kept any more: select all that match again.")


def keep(store: ArtifactStore, match: Match) -> str:
    """Keep the match; returns its token, which nobody can guess."""
    about = {name: getattr(match, name) for name in ("encoder_id", "hidden", "label", "label_id", "hunt")}
    text = json.dumps({**about, "wanted": asdict(match.wanted)})
    arrays: dict[str, Any] = {"ids": match.ids, "about": np.frombuffer(text.encode(), np.uint8)}
    arrays |= {name: one for name, one in (("scores", match.scores), ("kinds", match.kinds)) if one is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    token = secrets.token_urlsafe(16)
    store.put(f"{FOLDER}/{token}", buffer.getvalue(), durable=False)
    return token


def kept(store: ArtifactStore, token: str) -> Match:
    """The match under this token; MatchGone, also for one that a power failure cut short."""
    try:
        data = store.get(f"{FOLDER}/{token}")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            found = {name: arrays[name] for name in ("ids", "scores", "kinds") if name in arrays}
    except (ArtifactMissing, InvalidKey, zipfile.BadZipFile, ValueError, EOFError) as error:
        raise MatchGone from error
    wanted: dict[str, Any] = about.pop("wanted")
    lists = {name: tuple(one) for name, one in wanted.items() if isinstance(one, list)}
    return Match(SearchFilter(**{**wanted, **lists}), **found, **about)
