"""`ruiji map`: pictures and pages of maps, from the ledger or from other photos, and plain refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.other_encoder import renamed
from catalog import maps
from catalog.artifacts import ArtifactStore
from catalog.labels import ensure_label
from catalog.ledger import Ledger
from deploy.encoder_setup import SHIPPED, set_up_encoder
from deploy.mapping.drawing import GREY, NONE, Drawing, colours_of
from deploy.mapping.page import draw_page
from deploy.mapping.picture import draw_picture, projected
from deploy.shell.mapping import Wanted, run
from encoder.maps.apart import NoMap
from settings import Settings
from tests.curate.album import Album, around
from tests.photos import write_folder

HOSTILE = "</script><script>alert(1)</script>&\u2028"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def album(settings: Settings) -> Iterator[Album]:
    """30 images of the shipped encoder in the ledger, 20 of them labelled."""
    ledger = Ledger.open(settings.resolved_database_url())
    filled = Album(ledger, ArtifactStore(settings.resolved_artifacts_url()))
    encoder = set_up_encoder(ledger, filled.store, SHIPPED)
    for direction, name in enumerate(("plane", HOSTILE[:9], "")):
        ids = filled.add(around(direction, 10, dimension=512), encoder_id=encoder.id)
        if name:
            filled.decide(name, ids)
    ensure_label(ledger, "plane", group="vehicle")
    yield filled
    ledger.close()


def data_of(page: Path) -> dict[str, list[object]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), flags=re.DOTALL)
    assert found
    return dict(json.loads(found.group(1)))


def test_a_map_of_known_photos_is_kept_for_the_page_too(album: Album, settings: Settings, tmp_path: Path) -> None:
    assert run(settings, Wanted(out=tmp_path / "map.html")) == 0
    [kept] = maps.list_maps(album.store)
    assert (kept.progress.state, kept.progress.images) == ("done", 30)
    data = data_of(tmp_path / "map.html")
    assert data["names"] == [HOSTILE[:9], "plane", NONE]
    [panel] = data["panels"]
    assert isinstance(panel, dict) and len(panel["places"]) == len(panel["of"]) == 30
    before = maps.load_points(album.store, kept.spec.id)[1]
    assert run(settings, Wanted(out=tmp_path / "map.png", by="group")) == 0  # nothing is new: the same map
    assert np.array_equal(maps.load_points(album.store, kept.spec.id)[1], before)
    assert Image.open(tmp_path / "map.png").size[0] > 900


def test_two_encoders_draw_other_photos_side_by_side(settings: Settings, tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", per_kind=6, labelled=True)
    other = renamed(tmp_path / "other", "the other")
    wanted = Wanted(
        out=tmp_path / "map.html",
        encoders=[str(SHIPPED), str(other)],
        photos=tmp_path / "photos",
        by="group",
        groups=["above=sky"],
        most=15,
    )
    assert run(settings, wanted) == 0
    data = data_of(tmp_path / "map.html")
    assert [panel["title"] for panel in data["panels"] if isinstance(panel, dict)][1] == "the other"
    assert set(data["names"]) == {"above", NONE}
    assert all(isinstance(panel, dict) and len(panel["places"]) == 15 for panel in data["panels"])


def test_names_that_people_wrote_are_no_markup(tmp_path: Path) -> None:
    drawing = Drawing(HOSTILE, np.zeros((2, 3), np.float32), (HOSTILE, NONE))
    page = tmp_path / "page.html"
    page.write_text(draw_page([drawing], colours_of([drawing])))
    assert "<script>alert" not in page.read_text()
    assert data_of(page)["names"] == [HOSTILE, NONE]
    assert page.read_text().count("</script>") == 2


def test_every_point_is_drawn_in_its_colour() -> None:
    positions = np.array([[-1, -1], [1, 1], [0, 0]], np.float32)
    drawing = Drawing("x", positions, ("a", "b", NONE))
    colours = colours_of([drawing], {"a": "#ff0000", "b": "#0000ff"})
    assert colours == {"a": "#ff0000", "b": "#0000ff", NONE: GREY}
    panel = np.asarray(draw_picture([drawing], colours))[44 : 44 + 900, 20:920]
    assert tuple(panel[873, 27]) == (255, 0, 0)  # low and left
    assert tuple(panel[27, 873]) == (0, 0, 255)
    places, order = projected(np.array([[0, 0, -1], [0, 0, 1]], np.float32))
    assert order.tolist() == [0, 1]  # the nearer one covers the other
    assert np.abs(places).max() <= 1


def test_what_cannot_be_drawn_is_told(settings: Settings, tmp_path: Path) -> None:
    Ledger.open(settings.resolved_database_url()).close()
    for wanted, why in (
        (Wanted(out=tmp_path / "map.gif"), "neither .png nor .html"),
        (Wanted(out=tmp_path / "no" / "map.png"), "is no folder"),
        (Wanted(out=tmp_path / "map.png"), "no encoder serves"),
        (Wanted(out=tmp_path / "map.png", encoders=[str(SHIPPED)]), "the ledger does not know"),
        (Wanted(out=tmp_path / "map.png", photos=tmp_path, labels=["x"]), "give one of the two"),
    ):
        with pytest.raises(NoMap, match=why):
            run(settings, wanted)
    assert not (tmp_path / "map.png").exists()
