"""`ruiji encoder list | show | compare`: which encoders there are, how good they are, and what tells two apart."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.artifacts import ArtifactStore
from catalog.coverage import coverage, coverages
from catalog.encoder_facts import EncoderFacts, facts
from catalog.encoder_files import size_bytes
from catalog.encoders import SHOWN, Encoder, list_encoders, previous_encoder, serving_encoder
from catalog.errors import CatalogError
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from curate.compare import compare_encoders
from deploy.encoder_setup import set_up_encoder
from deploy.shell.installed import known_ledger
from settings import Settings


class NoSuchEncoder(CatalogError):
    """No encoder, or more than one, is called that."""


def find(ledger: Ledger, store: ArtifactStore, wanted: str) -> Encoder:
    """By folder or zip, which is registered then, or by the beginning of the id. NoSuchEncoder, EncoderDamaged."""
    if wanted and (Path(wanted).is_dir() or wanted.endswith(".zip")):
        return set_up_encoder(ledger, store, Path(wanted))
    return known(ledger, wanted)


def known(ledger: Ledger, wanted: str) -> Encoder:
    """By the beginning of the id. Raises NoSuchEncoder."""
    found = [encoder for encoder in list_encoders(ledger) if wanted and encoder.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    what = f"the ids of {len(found)} encoders begin" if found else "there is no such folder, and no encoder's id begins"
    raise NoSuchEncoder(f"{what} with {wanted!r}; see them with: ruiji encoder list")


def show_all(settings: Settings) -> int:
    """Print every encoder with what it covers."""
    ledger = known_ledger(settings)
    serving, previous = serving_encoder(ledger), previous_encoder(ledger)
    if serving is None:
        print("no encoder yet; `ruiji up` registers the shipped one")
        return 0
    table = Table("id", "name", "searchable pictures", "", "trained", "kNN", "precision@10", box=None)
    covered = coverages(ledger)
    for encoder in list_encoders(ledger):
        found, said = covered.get(encoder.id, covered[""]), facts(encoder)
        note = "serves" if encoder.id == serving.id else "before" if previous and encoder.id == previous.id else ""
        table.add_row(
            encoder.id[:SHOWN],
            Text(encoder.name),
            f"{found.indexed:,} of {found.images:,}",
            note,
            Text(_trained(said)),
            _share(said.knn),
            _share(said.precision_at_10),
        )
    Console().print(table)
    return 0


def show(settings: Settings, wanted: str, *, as_json: bool) -> int:
    """Print all that is known of one encoder."""
    ledger = known_ledger(settings)
    encoder = known(ledger, wanted)
    found, said = coverage(ledger, encoder.id), facts(encoder)
    size = size_bytes(ArtifactStore(settings.resolved_artifacts_url()), encoder)
    serving = serving_encoder(ledger)
    if as_json:
        values = {
            "id": encoder.id,
            "name": encoder.name,
            "serves": serving is not None and serving.id == encoder.id,
            "dimension": encoder.dimension,
            "input_size": encoder.input_size,
            "bytes": size,
            "images": found.images,
            "embedded": found.embedded,
            "indexed": found.indexed,
            "config": dict(encoder.config),
            "metrics": dict(encoder.metrics),
        }
        print(json.dumps(values))
        return 0
    parent = f"{said.parent_name or ''} {said.parent[:SHOWN] if said.parent else ''}".strip()
    rows = {
        "id": encoder.id,
        "name": encoder.name,
        "serves": "yes" if serving is not None and serving.id == encoder.id else "no",
        "trained": _trained(said),
        "parent": parent or "none",
        "vectors": f"{encoder.dimension} numbers, from {encoder.input_size} × {encoder.input_size} pixels",
        "weights": f"{size / 1e6:.1f} MB" if size is not None else "missing from the artifact store",
        "searchable": f"{found.indexed:,} of {found.images:,} pictures",
        "kNN": _share(said.knn),
        "linear probe": _share(said.linear_probe),
        "precision@10": _share(said.precision_at_10),
        **{f"  {name}": _share(value) for name, value in said.by_label.items()},
    }
    table = Table(box=None, show_header=False)
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    Console().print(table)
    return 0


def compare(settings: Settings, first: str, second: str, *, k: int, queries: int, as_json: bool) -> int:
    """Print how far the answers of two encoders agree, and how often each finds the right label."""
    ledger = known_ledger(settings)
    store = ArtifactStore(settings.resolved_artifacts_url())
    index = VectorIndex(settings.resolved_index_url(), token=settings.index_token, options=settings.index_options())
    a, b = known(ledger, first), known(ledger, second)
    made = compare_encoders(ledger, index, store, encoders=(a, b), k=k, queries=queries)
    if as_json:
        values = {
            "encoders": [a.id, b.id],
            "k": made.k,
            "queries": made.queries,
            "overlap": made.overlap,
            "labelled": made.labelled,
            "precision": made.precision,
            "by_label": {row.label: {"queries": row.queries, "precision": row.precision} for row in made.by_label},
        }
        print(json.dumps(values))
        return 0
    if not made.queries:
        print("no picture has been embedded by both; promote one of them, or wait until it is filled")
        return 0
    print(f"overlap@{k} of {made.queries:,} random pictures' answers: {made.overlap:.3f}")
    if made.precision is None:
        print(f"fewer than {k + 1} labelled pictures: nothing tells which is right more often")
        return 0
    table = Table(f"precision@{k}", f"{a.name} {a.id[:SHOWN]}", f"{b.name} {b.id[:SHOWN]}", "pictures", box=None)
    for row in made.by_label:
        table.add_row(Text(row.label), *(f"{value:.3f}" for value in row.precision), f"{row.queries:,}")
    table.add_row("mean of labels", *(f"{value:.3f}" for value in made.precision), f"{made.labelled:,}")
    Console().print(table)
    return 0


def _trained(said: EncoderFacts) -> str:
    parts = [said.method or "", f"{said.epochs} epochs" if said.epochs is not None else "", said.backbone or ""]
    return ", ".join(part for part in parts if part) or "not recorded"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
