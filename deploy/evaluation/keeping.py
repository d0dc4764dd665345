"""Where an evaluation is kept: the encoder's folder, and where the encoder is known the ledger and the store's copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, change_metrics, list_encoders
from catalog.ledger import Ledger
from deploy.evaluation.errors import NoEvaluation
from encoder.card import write_card
from encoder.evaluation.record import with_record
from encoder.folder import CARD, METRICS, EncoderInfo, load_info, write_metrics
from worker.models import fetch_folder


@dataclass(frozen=True)
class Subject:
    """An encoder to evaluate: a folder with its files, and its row where the ledger knows it."""

    info: EncoderInfo
    known: Encoder | None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.info.name


def find_subject(ledger: Ledger, store: ArtifactStore, wanted: str, *, cache: Path) -> Subject:
    """By folder, or by the beginning of the id of one that the ledger knows; nothing is registered.

    Raises NoEvaluation, EncoderDamaged.
    """
    encoders = list_encoders(ledger)
    if wanted and Path(wanted).is_dir():
        info = load_info(Path(wanted))
        return Subject(info, next((one for one in encoders if one.id == info.id), None))
    found = [one for one in encoders if wanted and one.id.startswith(wanted)]
    if len(found) != 1:
        what = (
            f"the ids of {len(found)} encoders begin" if found else "no folder is called, and no encoder's id begins,"
        )
        raise NoEvaluation(f"{what} {wanted!r}; see them with: ruiji encoder list")
    folder = fetch_folder(store, found[0].folder, cache=cache / found[0].id)
    return Subject(load_info(folder), found[0])


def keep(ledger: Ledger, store: ArtifactStore, subject: Subject, *, name: str, record: Mapping[str, Any]) -> Subject:
    """Write the record into metrics.json and the card of the folder, into the ledger's row and the store's copy.

    The id stays: it names neither metrics nor card.
    """
    metrics = with_record(subject.info.metrics, name, record)
    write_metrics(subject.info.path, metrics)
    info = replace(subject.info, metrics=metrics)
    write_card(info)
    if subject.known is None:
        return Subject(info, None)
    known = change_metrics(ledger, subject.known.id, lambda before: with_record(before, name, record))
    key = f"{known.folder}/{METRICS}"
    if store.exists(key) and store.local_path(key) != info.path / METRICS:
        held = with_record(json.loads(store.get(key)), name, record)
        store.put(key, (json.dumps(held, indent=2, ensure_ascii=False) + "\n").encode())
        store.put(f"{known.folder}/{CARD}", (info.path / CARD).read_bytes())
    return Subject(info, known)
