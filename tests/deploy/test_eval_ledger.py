"""`ruiji eval --from-ledger`: what people have labelled, asked with the vectors that are there already."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.artifacts import ArtifactStore
from catalog.encoder_facts import facts
from catalog.encoders import get_encoder
from catalog.index import VectorIndex
from catalog.labels import ensure_label
from catalog.ledger import Ledger
from deploy.encoder_setup import SHIPPED, set_up_encoder
from deploy.evaluation.errors import NoEvaluation
from deploy.evaluation.index_recall import index_recall
from deploy.evaluation.questions import from_ledger
from deploy.shell.evaluate import Wanted, run
from settings import Settings
from tests.curate.album import Album, around


@pytest.fixture
def settings(tmp_path: Path, milvus_lite_url: str) -> Settings:
    return Settings(home=tmp_path / "home", index_url=milvus_lite_url)


@pytest.fixture
def album(settings: Settings) -> Iterator[Album]:
    """Thirty images of three kinds with vectors of the shipped encoder; the last of each kind has no label."""
    ledger = Ledger.open(settings.resolved_database_url())
    filled = Album(ledger, ArtifactStore(settings.resolved_artifacts_url()))
    encoder = set_up_encoder(ledger, filled.store, SHIPPED)
    for direction, name in enumerate(("plane", "ship", "dog")):
        ids = filled.add(around(direction, 10, dimension=512), encoder_id=encoder.id)
        filled.decide(name, ids[:9])
    ensure_label(ledger, "plane", group="vehicle")
    ensure_label(ledger, "ship", group="vehicle")
    yield filled
    ledger.close()


def shipped(album: Album) -> str:
    return set_up_encoder(album.ledger, album.store, SHIPPED).id


def test_labels_of_the_ledger_ask_with_the_vectors_of_its_shards(
    album: Album, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder_id = shipped(album)
    assert run(settings, [encoder_id[:12]], Wanted(from_ledger=True, seeds=2)) == 0
    record = get_encoder(album.ledger, encoder_id).metrics["evaluations"]["ledger"]
    assert record["pictures"] == {"learnt_from": 21, "asked": 6}
    assert record["knn"]["mean"] == record["mean"]["recall"]["10"] == 1.0
    assert set(record["groups"]) == {"vehicle"}
    assert facts(get_encoder(album.ledger, encoder_id)).by_label == {"dog": 0.8, "plane": 0.8, "ship": 0.8}
    assert "index_recall_at_10" not in record  # its collection was never made
    assert "on ledger" in capsys.readouterr().out


def test_images_with_two_labels_and_rare_labels_are_left_out_and_told(album: Album) -> None:
    encoder = get_encoder(album.ledger, shipped(album))
    album.decide("dog", [1])
    album.decide("rare", [10])
    questions = from_ledger(album.ledger, album.store, encoder)
    assert questions.classes == ("dog", "plane", "ship")
    assert sorted(questions.rows.tolist()) == [*range(2, 10), *range(11, 20), *range(21, 30)]
    assert questions.notes == (
        "1 images with more than one label are left out",
        "labels of fewer than 5 images are left out: rare",
    )


def test_one_label_is_too_little(album: Album) -> None:
    encoder = get_encoder(album.ledger, shipped(album))
    album.decide("ship", list(range(11, 20)), "unknown")
    album.decide("dog", list(range(21, 30)), "unknown")
    with pytest.raises(NoEvaluation, match="1 label with 5 or more images"):
        from_ledger(album.ledger, album.store, encoder)


def test_the_index_is_compared_with_exact_search(album: Album, settings: Settings) -> None:
    encoder = get_encoder(album.ledger, shipped(album))
    index = VectorIndex(settings.resolved_index_url())
    try:
        index.drop(encoder.collection)
        assert index_recall(album.ledger, album.store, index, encoder) is None
        index.ensure_collection(encoder.collection, 512)
        ids, vectors = np.arange(1, 31), np.concatenate([around(kind, 10, dimension=512) for kind in range(3)])
        kept = ids % 5 != 0
        none = [()] * int(kept.sum())
        index.upsert(encoder.collection, ids=ids[kept], vectors=vectors[kept], labels=none, sources=none)
        index.settle(encoder.collection)
        found = index_recall(album.ledger, album.store, index, encoder)
        assert found is not None
        assert 0.6 < found < 0.9  # every fifth image is not in it
        rest = [()] * int((~kept).sum())
        index.upsert(encoder.collection, ids=ids[~kept], vectors=vectors[~kept], labels=rest, sources=rest)
        index.settle(encoder.collection)
        assert index_recall(album.ledger, album.store, index, encoder) == pytest.approx(1.0)
    finally:
        index.drop(encoder.collection)
        index.close()


def test_an_encoder_that_is_nowhere_is_told(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NoEvaluation, match="no folder is called, and no encoder's id begins, 'abc'"):
        run(settings, ["abc"], Wanted(compare=True))
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
