"""The orientation benchmark: turned queries cost, the option wins back, and a turn only reorders the eight views."""

from __future__ import annotations

import numpy as np
import pytest

from bench.orientation import TURNS, Asked, batch_turned, figures, measure
from catalog.ways_up import WAYS, ways_up
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.transform import squares
from tests.photos import KINDS, scene

TONE = np.linspace(0.2, 1.0, 96)[:, None, None]  # darker at the top, as no turned picture is


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.load(SHIPPED, engine="openvino", threads=1)


def test_turning_a_picture_changes_nothing_but_the_order_of_its_views() -> None:
    photo = np.asarray(scene("sky", 1))
    views = sorted(view.tobytes() for view in ways_up(photo))
    for turn in TURNS.values():
        [given] = batch_turned(photo[None], turn)
        assert sorted(view.tobytes() for view in ways_up(given)) == views
        assert given.tobytes() == ways_up(photo)[WAYS.index(turn)].tobytes()


def test_the_figures_are_told_for_vehicles_and_animals_apart(embedder: Embedder) -> None:
    photos = np.stack([(np.asarray(scene(kind, seed)) * TONE).astype(np.uint8) for kind in KINDS for seed in range(30)])
    labels = np.repeat([0, 1, 2], 30)  # the first two are vehicles in CIFAR-10's order
    found = measure(embedder, squares(photos, size=embedder.input_size), labels, queries=60)
    assert set(found) == {"all", "vehicles", "animals"}
    for group in found.values():
        assert set(group) == set(TURNS)
        assert group["upright"]["cost"] == 0 and group["upright"]["won_back"] is None
        assert all(0 <= group[turn]["any_way_up"] <= 1 for turn in TURNS)
        assert len({group[turn]["any_way_up"] for turn in TURNS}) == 1


def test_the_share_won_back_is_of_what_the_turn_costs() -> None:
    plain = {"upright": [0.8, 0.4], "turned_90": [0.2, 0.4]}
    asked = Asked(
        {name: np.array(values) for name, values in plain.items()},
        {"any_way_up": np.array([0.6, 0.4]), "mean": np.array([0.2, 0.4])},
    )
    first = figures(asked, "turned_90", np.array([True, False]))
    assert first["cost"] == pytest.approx(0.6)
    assert first["won_back"] == pytest.approx({"any_way_up": 2 / 3, "mean": 0})
    assert figures(asked, "turned_90", np.array([False, True]))["won_back"] is None
