"""The check of the trainings notices each way in which one can come to a wrong end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import save_file

from bench.under_fire.findings import Findings
from bench.under_fire.training_check import FILES, check_trainings
from bench.under_fire.trainings import NAME, AskedRun
from catalog import gangs
from catalog.encoders import register
from catalog.gangs import Member
from catalog.ledger import Ledger
from catalog.run_progress import note_epochs
from catalog.runs import Epoch, Stage, cancel_run, create_run
from catalog.sources import add_source

ASKED = [AskedRun(f"{NAME} 1", epochs=2, run=1, told="done"), AskedRun(f"{NAME} 2", epochs=1, run=2, told="cancelled")]
ASKED[1].cancelled = True
FOLDER = "encoders/one"


def graph(weights: Path, *, scaled: bool = True) -> bytes:
    """Mean colours times the weights, which lie in their own file, and scaled to length 1: a small encoder."""
    start = 8 + int.from_bytes(weights.read_bytes()[:8], "little")
    weight = onnx.TensorProto(name="weight", data_type=onnx.TensorProto.FLOAT, dims=[3])
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": weights.name, "offset": str(start), "length": "12"}.items():
        weight.external_data.add(key=key, value=value)
    axes = onnx.helper.make_tensor("axes", onnx.TensorProto.INT64, [2], [1, 2])
    nodes = [
        onnx.helper.make_node("Cast", ["pictures"], ["numbers"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("ReduceMean", ["numbers", "axes"], ["colours"], keepdims=0),
        onnx.helper.make_node("Mul", ["colours", "weight"], ["vectors" if not scaled else "scaled"]),
    ]
    if scaled:
        nodes.append(onnx.helper.make_node("LpNormalization", ["scaled"], ["vectors"], axis=1, p=2))
    of = onnx.helper.make_tensor_value_info
    taken = of("pictures", onnx.TensorProto.UINT8, ["n", 32, 32, 3])
    made = of("vectors", onnx.TensorProto.FLOAT, ["n", 3])
    whole = onnx.helper.make_graph(nodes, "small", [taken], [made], [weight, axes])
    model = onnx.helper.make_model(whole, opset_imports=[onnx.helper.make_opsetid("", 18)])
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a run that is done, and one that was cancelled."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    source = add_source(ledger, tmp_path)
    for one in ASKED:
        create_run(ledger, name=one.name, preset="quick-cpu", source_ids=[source.id], author="test")
    assert cancel_run(ledger, 2)
    there = tmp_path / "artifacts" / FOLDER
    there.mkdir(parents=True)
    for file in FILES:
        (there / file).write_bytes(b"{}")
    save_file({"weight": np.ones(3, np.float32)}, there / FILES[0])
    (there / FILES[1]).write_bytes(graph(there / FILES[0]))
    values: dict[str, Any] = {"dimension": 3, "input_size": 32, "folder": FOLDER, "config": {}, "metrics": {}}
    register(ledger, id="a" * 64, name=ASKED[0].name, **values)
    stages: tuple[Stage | None, ...] = ("train", "ship", None)
    for stage in stages:
        member = gangs.offer(ledger, worker="w", address="127.0.0.1", lease_s=30)
        assert isinstance(member, Member)
        if stage == "ship":
            epochs = [Epoch(number, 1.0, 0.1, 0.2, None, 9.0, 1.0) for number in (1, 2)]
            note_epochs(ledger, member, epochs)
        assert gangs.advance(ledger, member, stage) if stage else gangs.finish(ledger, member, encoder_id="a" * 64)
        gangs.leave(ledger, member)
    ledger.close()
    yield tmp_path


def check(home: Path, *, working: tuple[int, ...] = ()) -> Findings:
    return check_trainings(home / "ledger.db", home / "artifacts", asked=ASKED, working=working)


def test_what_is_right_is_not_called_wrong(home: Path) -> None:
    found = check(home)
    assert found.all() == []
    assert found.checked == {"trainings": 2, "trained encoders": 1}


@pytest.mark.parametrize(
    ("change", "weight", "words"),
    [
        ("DELETE FROM run WHERE id = 2", "lost", "is not there"),
        ("UPDATE run SET state = 'running' WHERE id = 1", "wrong", "is running"),
        ("UPDATE run SET state = 'failed', error = 'why' WHERE id = 1", "wrong", "is failed: why"),
        ("UPDATE run SET state = 'done', encoder_id = 'aaa' WHERE id = 2", "wrong", "cancelled told, is done"),
        ("UPDATE run SET state = 'cancelled' WHERE id = 1", "wrong", "has the encoder"),
        ("UPDATE run SET encoder_id = NULL WHERE id = 1", "lost", "is done and has no encoder"),
        (f"UPDATE run SET name = '{NAME} 1' WHERE id = 2", "duplicates", "was asked for once"),
        ("UPDATE run SET name = 'other' WHERE id = 2", "wrong", "nobody asked for"),
        ("DELETE FROM run_epoch WHERE epoch = 1", "wrong", "is done after epochs [2] of 2"),
        ("INSERT INTO trainer VALUES ('w', '127.0.0.1', 9e9, 1, 3, 0)", "wrong", "still has a place"),
        (
            "INSERT INTO encoder SELECT 'b', name, dimension, input_size, folder, config, metrics, 'c', created_at"
            " FROM encoder",
            "duplicates",
            "2 encoders are called",
        ),
    ],
)
def test_what_is_wrong_in_the_ledger_is_found(home: Path, change: str, weight: str, words: str) -> None:
    ledger = sqlite3.connect(home / "ledger.db")
    ledger.execute(change)
    ledger.commit()
    ledger.close()
    assert any(words in text for text in getattr(check(home), weight)), check(home)


def test_weights_that_cannot_be_loaded_are_found(home: Path) -> None:
    weights = home / "artifacts" / FOLDER / FILES[0]
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-5])
    assert any("cannot be loaded" in text for text in check(home).lost)
    save_file({"weight": np.full(3, np.nan, np.float32)}, weights)
    assert any("no finite numbers" in text for text in check(home).lost)
    weights.unlink()
    assert any(f"lacks {FILES[0]}" in text for text in check(home).lost)


def test_a_graph_that_does_not_embed_is_found(home: Path) -> None:
    """It is what serves; the weights beside it may be whole."""
    there = home / "artifacts" / FOLDER
    whole = (there / FILES[1]).read_bytes()
    for broken in (whole[:-40], whole[: len(whole) // 2], b"{}", b""):
        (there / FILES[1]).write_bytes(broken)
        assert any("the graph" in text and "cannot be loaded" in text for text in check(home).lost), broken
    (there / FILES[1]).write_bytes(graph(there / FILES[0], scaled=False))
    assert any("makes no vector" in text for text in check(home).lost)
    (there / FILES[1]).write_bytes(whole)
    assert check(home).all() == []
    altered = sqlite3.connect(home / "ledger.db")
    altered.execute("UPDATE encoder SET dimension = 4")
    altered.commit()
    altered.close()
    assert any("makes no vector of 4 numbers" in text for text in check(home).lost)


def test_a_process_that_nobody_waits_for_is_found(home: Path) -> None:
    assert any("still trains" in text for text in check(home, working=(7,)).wrong)
