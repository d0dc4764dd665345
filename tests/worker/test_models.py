"""The encoders of a worker: a switch keeps nobody waiting, and one that cannot be loaded takes nothing away."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.other_encoder import renamed
from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, promote
from catalog.ledger import Ledger
from deploy.encoder_setup import SHIPPED, set_up_encoder
from encoder.embed import Embedder
from encoder.folder import EncoderDamaged
from worker import models as module
from worker.models import Models


class Shelf:
    """Two encoders in a ledger, the first one serving, and what is loaded of them."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.ledger = ledger
        store = ArtifactStore(folder / "artifacts")
        self.first = set_up_encoder(ledger, store, SHIPPED)
        self.second = set_up_encoder(ledger, store, renamed(folder / "second", "second"))
        self.models = Models(ledger, store, cache=folder / "cache", device="cpu", threads=1, latency=True)

    def until_it_serves(self, encoder: Encoder, *, within_s: float = 90) -> None:
        until = time.monotonic() + within_s
        while self.models.serving()[0] != encoder.id:
            assert time.monotonic() < until, f"{encoder.name} never came to serve"
            time.sleep(0.02)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr(module, "SERVING_TTL_S", 0.0)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    yield Shelf(tmp_path, ledger)
    ledger.close()


def test_the_encoder_before_answers_until_the_next_is_loaded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    may_load = threading.Event()
    load = Embedder.load

    def slowly(folder: Path, **options: object) -> Embedder:
        assert may_load.wait(90)
        return load(folder, **options)  # type: ignore[arg-type]

    assert shelf.models.serving()[0] == shelf.first.id
    monkeypatch.setattr(Embedder, "load", slowly)
    promote(shelf.ledger, shelf.second.id)
    for _ in range(5):
        named, embedder = shelf.models.serving()
        assert named == embedder.info.id == shelf.first.id
    may_load.set()
    shelf.until_it_serves(shelf.second)
    named, embedder = shelf.models.serving()
    assert named == embedder.info.id == shelf.second.id
    promote(shelf.ledger, shelf.first.id)  # both are loaded by now: at once
    assert shelf.models.serving()[0] == shelf.first.id


def test_an_encoder_that_cannot_be_loaded_is_tried_again_while_the_one_before_answers(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOAD_AGAIN_S", 0.05)
    assert shelf.models.serving()[0] == shelf.first.id
    load, tried = Embedder.load, threading.Event()

    def broken(folder: Path, **options: object) -> Embedder:
        tried.set()
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(Embedder, "load", broken)
        promote(shelf.ledger, shelf.second.id)
        shelf.models.serving()
        assert tried.wait(60)
        assert shelf.models.serving()[0] == shelf.first.id
    assert Embedder.load == load
    shelf.until_it_serves(shelf.second)


def test_an_encoder_that_is_asked_for_by_name_takes_the_place_of_none_that_serves(shelf: Shelf) -> None:
    assert shelf.models.serving()[0] == shelf.first.id
    assert shelf.models.embedder(shelf.second.id).info.id == shelf.second.id
    assert shelf.models.serving()[0] == shelf.first.id


def test_a_folder_that_holds_another_encoder_embeds_nothing(shelf: Shelf, tmp_path: Path) -> None:
    """As where somebody copied the wrong one: its vectors would be mixed with those of the one that was asked for."""
    kept = tmp_path / "artifacts" / "encoders"
    shutil.rmtree(kept / shelf.first.id)
    shutil.copytree(kept / shelf.second.id, kept / shelf.first.id)
    with pytest.raises(EncoderDamaged, match=f"{shelf.second.id[:12]} in place of {shelf.first.id[:12]}.*nothing is"):
        shelf.models.embedder(shelf.first.id)
    assert shelf.models.embedder(shelf.second.id).info.id == shelf.second.id
    assert shelf.models.used == shelf.second.id
