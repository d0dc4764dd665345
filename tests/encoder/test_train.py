"""Training: it goes on exactly where it stopped, and survives a damaged checkpoint."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from encoder.embed import Embedder
from encoder.evaluate import knn_accuracy
from encoder.folder import EncoderError
from encoder.model import SimCLR
from encoder.ship import Evaluation, load_trained, ship
from encoder.train import main
from encoder.training.config import TrainConfig, learning_rate
from encoder.training.device import computes_bfloat16
from encoder.training.errors import TrainingError
from encoder.training.loop import train
from encoder.training.plan import Saving
from encoder.training.store import channel_statistics
from encoder.view_config import ViewConfig
from tests.encoder.shapes import draw_shapes

CPU = torch.device("cpu")
TINY = TrainConfig(epochs=3, batch_size=32, bfloat16=False)


@pytest.fixture(scope="module")
def shapes() -> NDArray[np.uint8]:
    return draw_shapes(64, seed=11)[0]


@pytest.fixture(scope="module")
def finished(shapes: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SimCLR]:
    """A run of three epochs without an interruption."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, train(shapes, config=TINY, views=ViewConfig(), out=out, device=CPU)


def curve(out: Path) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["loss"]) for line in lines]


def copy_checkpoints(source: Path, target: Path, *, epochs: tuple[int, ...]) -> None:
    target.mkdir()
    for epoch in epochs:
        name = f"checkpoint-{epoch:05d}.pt"
        (target / name).write_bytes((source / name).read_bytes())


def test_every_epoch_leaves_a_line_and_a_checkpoint(finished: tuple[Path, SimCLR]) -> None:
    assert [epoch for epoch, _ in curve(finished[0])] == [1, 2, 3]
    assert all(np.isfinite(loss) for _, loss in curve(finished[0]))
    assert [p.name for p in sorted(finished[0].glob("*.pt"))] == [f"checkpoint-{n:05d}.pt" for n in (1, 2, 3)]


def test_resumed_run_equals_an_uninterrupted_one(
    finished: tuple[Path, SimCLR], shapes: NDArray[np.uint8], tmp_path: Path
) -> None:
    whole, model = finished
    copy_checkpoints(whole, tmp_path / "resumed", epochs=(1,))
    resumed = train(shapes, config=TINY, views=ViewConfig(), out=tmp_path / "resumed", device=CPU)
    assert curve(tmp_path / "resumed") == curve(whole)[1:]
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_truncated_checkpoint_falls_back_to_the_one_before(
    finished: tuple[Path, SimCLR], shapes: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, model = finished
    copy_checkpoints(whole, tmp_path / "cut", epochs=(1, 2))
    newest = tmp_path / "cut" / "checkpoint-00002.pt"
    newest.write_bytes(newest.read_bytes()[:10_000])
    resumed = train(shapes, config=TINY, views=ViewConfig(), out=tmp_path / "cut", device=CPU)
    assert "checkpoint-00002.pt: not readable" in capsys.readouterr().out
    assert curve(tmp_path / "cut") == curve(whole)[1:]
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_checkpoint_of_another_run_is_refused(finished: tuple[Path, SimCLR], shapes: NDArray[np.uint8]) -> None:
    other = np.ascontiguousarray(shapes[::-1])
    for config, views, pictures, what in (
        (replace(TINY, seed=2), ViewConfig(), shapes, "config"),
        (TINY, ViewConfig(flip=0.0), shapes, "views"),
        (TINY, ViewConfig(), other, "pictures"),
    ):
        with pytest.raises(TrainingError, match=f"run with other {what}; choose another --out"):
            train(pictures, config=config, views=views, out=finished[0], device=CPU)


def test_fewer_pictures_than_a_batch_are_refused(shapes: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="fewer than one batch"):
        train(shapes[:8], config=TINY, views=ViewConfig(), out=tmp_path, device=CPU)


def test_pictures_too_small_for_bfloat16_are_refused_on_a_cpu(shapes: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--no-bfloat16"):
        train(shapes, config=replace(TINY, size=16, bfloat16=True), views=ViewConfig(), out=tmp_path, device=CPU)


def test_learning_rate_warms_up_and_falls_to_zero() -> None:
    rates = [learning_rate(TINY, step=step, total=100) for step in range(100)]
    peak = TINY.base_learning_rate * TINY.batch_size / 256
    assert max(rates) == pytest.approx(peak)
    assert rates.index(max(rates)) in (9, 10)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001 * peak


def test_channel_statistics_are_per_channel() -> None:
    pictures = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    pictures[..., 1] = 255
    pictures[:2, ..., 2] = 255
    assert channel_statistics(pictures) == ((0.0, 1.0, 0.5), (0.001, 0.001, 0.5))


def test_bfloat16_trains_too(shapes: NDArray[np.uint8], tmp_path: Path) -> None:
    config = replace(TINY, epochs=1, bfloat16=True)
    train(shapes, config=config, views=ViewConfig(), out=tmp_path / "run", device=CPU)
    assert np.isfinite(curve(tmp_path / "run")[0][1])


def test_bfloat16_is_the_default_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: {"avx512_bf16": has}, raising=False)
        assert computes_bfloat16(CPU) is has
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not computes_bfloat16(CPU)


def test_command_line_trains(tmp_path: Path) -> None:
    np.save(tmp_path / "shapes.npy", draw_shapes(32, seed=12, side=16)[0])
    options = ["--epochs", "1", "--batch-size", "16", "--size", "16", "--no-bfloat16", "--device", "cpu"]
    main(["--pictures", str(tmp_path / "shapes.npy"), "--out", str(tmp_path / "run"), *options])
    assert len(curve(tmp_path / "run")) == 1
    state = load_trained(tmp_path / "run" / "checkpoint-00001.pt")[1]
    assert state["config"]["bfloat16"] is False


def test_a_checkpoint_ships_as_an_encoder_with_figures_and_a_card(
    finished: tuple[Path, SimCLR], tmp_path: Path
) -> None:
    train_pictures, labels = draw_shapes(300, seed=13)
    queries, query_labels = draw_shapes(150, seed=14)
    info = ship(
        finished[0] / "checkpoint-00003.pt",
        tmp_path / "shipped",
        name="shapes",
        calibrate=train_pictures,
        evaluation=Evaluation(train_pictures, labels, queries, query_labels),
        power=0.25,
        data="drawn shapes",
    )
    fp32 = Embedder.load(info.path, engine="openvino", precision="fp32", device="cpu")
    bank, vectors = fp32.embed(train_pictures), fp32.embed(queries)
    assert info.metrics["knn_accuracy"] == pytest.approx(knn_accuracy(bank, labels, vectors, query_labels), abs=0.01)
    assert {"precision_at_10", "precision_at_10_random_weights", "int8", "by_class"} <= info.metrics.keys()
    rivals = [info.metrics[f"precision_at_10_random_weights{kind}"] for kind in ("", "_same_output")]
    assert rivals[0] != rivals[1]
    card = (info.path / "README.md").read_text()
    assert "nothing else: drawn shapes." in card
    assert f"{len(os.sched_getaffinity(0))} CPU cores" in card


def test_what_is_no_checkpoint_does_not_ship(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(EncoderError, match=r"checkpoint\.pt is not a readable checkpoint"):
        load_trained(tmp_path / "checkpoint.pt")


def test_checkpoints_can_be_fewer_and_the_last_epoch_always_leaves_one(
    shapes: NDArray[np.uint8], tmp_path: Path
) -> None:
    train(shapes, config=TINY, views=ViewConfig(), out=tmp_path, device=CPU, saving=Saving(every_epochs=2))
    assert [path.name for path in sorted(tmp_path.glob("*.pt"))] == ["checkpoint-00002.pt", "checkpoint-00003.pt"]
