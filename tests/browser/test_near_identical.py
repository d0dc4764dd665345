"""Near-identical pictures: one tile with a count, one decision for all of them, opened to decide one alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.hunt_double import best, double, shown, visit
from tests.browser.running import Site, labels_of
from tests.browser.screen import counts, hand_over, selected
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser
COPIES = 3


@dataclass(frozen=True)
class Copies:
    """A photo and the ids of its three copies in the collection."""

    photo: bytes
    ids: list[int]


@pytest.fixture(scope="module")
def copies(site: Site) -> Iterator[Copies]:
    """A photo saved again, made smaller, and cropped, in a folder of its own, which is taken out again afterwards."""
    folder = site.folder / "copies"
    folder.mkdir()
    picture = scene("brick", 9400)
    (folder / "again.jpg").write_bytes(jpeg(picture, quality=60))
    (folder / "smaller.jpg").write_bytes(jpeg(picture.resize((64, 64), Image.Resampling.LANCZOS)))
    (folder / "cropped.jpg").write_bytes(jpeg(picture.crop((0, 4, 92, 96))))
    source = site.stack.post("/api/v1/sources", {"path": str(folder)}).json()
    site.stack.wait_job(source["job"])
    found = site.stack.upload(jpeg(picture), k=20).json()["results"]
    ids = [one["image_id"] for one in found if "/copies/" in one["path"]]
    assert len(ids) == COPIES
    yield Copies(jpeg(picture), ids)
    site.stack.request("DELETE", f"/api/v1/sources/{source['source']}")


@pytest.fixture
def search(page: Page, site: Site, copies: Copies) -> Callable[[], Page]:
    """Opens the page and searches by the photo."""

    def find() -> Page:
        page.goto(site.url)
        hand_over(page, copies.photo, how="drop")
        page.locator(".tile .fold").wait_for()
        return page

    return find


def labelled(site: Site, ids: list[int], name: str) -> list[bool]:
    return [name in labels_of(site, one) for one in ids]


def test_copies_are_one_tile_and_are_labelled_by_one_decision_that_names_each(
    search: Callable[[], Page], site: Site, copies: Copies
) -> None:
    page = search()
    tile = page.locator(".tile:has(.fold)")
    expect(tile).to_have_count(1)
    expect(tile.locator(".fold")).to_have_text("3")
    expect(page.locator("#summary strong")).to_have_text(f"{counts(page)[1]} pictures")
    assert counts(page)[1] == page.locator(".tile").count() + COPIES - 1
    page.keyboard.press("Escape")
    tile.locator("img").click()
    assert counts(page)[0] == COPIES
    page.locator("#label-input").fill("copied wall")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("3 pictures labelled copied wall")
    assert labelled(site, copies.ids, "copied wall") == [True] * COPIES
    batch = site.stack.request("GET", "/api/v1/batches?limit=1").json()["batches"][0]
    assert batch["size"] == COPIES
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").last).to_contain_text("Undone")
    assert labelled(site, copies.ids, "copied wall") == [False] * COPIES
    assert counts(page)[0] == COPIES


def test_a_tile_is_opened_and_one_of_its_pictures_is_decided_alone(
    search: Callable[[], Page], site: Site, copies: Copies
) -> None:
    page = search()
    tiles, images = page.locator(".tile").count(), counts(page)
    at = int(page.locator(".tile:has(.fold)").get_attribute("data-index") or -1)
    page.locator(".fold").click()
    expect(page.locator(".tile")).to_have_count(tiles + COPIES - 1)
    expect(page.locator(".fold")).to_have_count(0)
    assert counts(page) == images
    assert set(range(at, at + COPIES)) <= set(selected(page))
    indices = page.locator(".tile").evaluate_all("tiles => tiles.map(t => Number(t.dataset.index))")
    assert indices == list(range(tiles + COPIES - 1))
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    assert selected(page) == [at + 1]
    page.locator("#label-input").fill("one wall")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("1 picture labelled one wall")
    assert sum(labelled(site, copies.ids, "one wall")) == 1
    # What is labelled differently is not one tile any more.
    page.reload()
    expect(page.locator(".fold")).to_have_text("2")
    undone = site.stack.request("GET", "/api/v1/batches?limit=1").json()["batches"][0]["id"]
    site.stack.post(f"/api/v1/batches/{undone}/undo", {"key": "one wall undone"})


def test_the_keys_open_a_tile_and_invert_it_as_one(search: Callable[[], Page]) -> None:
    page = search()
    chosen, images = counts(page)
    page.keyboard.press("i")
    page.keyboard.press("i")
    assert counts(page) == (chosen, images)
    page.keyboard.press("ArrowRight")
    tiles = page.locator(".tile").count()
    page.keyboard.press("u")  # the tile that has the focus stands for itself alone, or for all three
    page.locator(".tile:has(.fold)").first.focus() if page.locator(".fold").count() else None
    page.keyboard.press("u")
    expect(page.locator(".tile")).to_have_count(tiles + COPIES - 1)
    page.keyboard.press("f")
    expect(page.locator("#view-position")).to_contain_text(f"of {tiles + COPIES - 1}")


def test_a_hunt_decides_them_as_one_and_what_was_told_apart_stays_apart(page: Page, site: Site) -> None:
    def page_of(made: Any) -> dict[str, Any]:
        open_ = made.open()[:20]
        ids = [one["image_id"] for one in open_]
        return {"kind": "page", "results": open_, "folds": [[ids[2], ids[5], ids[9]]], "cut": 8, "run": 0}

    hunt = double(page, site, page_of, best(10))
    visit(page, site)
    expect(page.locator(".tile")).to_have_count(18)
    expect(page.locator("#confirm-text")).to_have_text("Confirm 9 yes · 11 no")  # 9 comes with 2, above the line
    first = hunt.open()[:20]
    page.locator('.tile[data-index="2"] img').click()
    expect(page.locator("#confirm-text")).to_have_text("Confirm 6 yes · 14 no")
    page.locator('.tile[data-index="2"] .fold').click()
    page.locator('.tile[data-index="3"]').click()
    expect(page.locator("#confirm-text")).to_have_text("Confirm 7 yes · 13 no")
    page.reload()
    shown(page)
    expect(page.locator('.tile[data-index="2"] .fold')).to_have_text("2")
    expect(page.locator("#confirm-text")).to_have_text("Confirm 7 yes · 13 no")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("7 yes · 13 no")
    sent = hunt.sent[0]
    assert set(sent["yes"]) | set(sent["no"]) == {one["image_id"] for one in first} == {int(i) for i in sent["scores"]}
    assert first[5]["image_id"] in sent["yes"]
    assert {first[2]["image_id"], first[9]["image_id"]} <= set(sent["no"])


def test_a_page_of_a_hunt_holds_as_many_tiles_and_the_copies_beside(site: Site, copies: Copies) -> None:
    made = site.stack.post(
        "/api/v1/hunts", {"label": "walled in", "examples": [{"image_id": copies.ids[0], "sign": 1}]}
    )
    hunt = f"/api/v1/hunts/{made.json()['id']}"
    step = site.stack.post(f"{hunt}/step?fold=true", {}).json()
    plain = site.stack.post(f"{hunt}/step", {}).json()
    site.stack.request("DELETE", hunt)
    assert [set(fold) for fold in step["folds"]] == [set(copies.ids)]
    assert len(step["results"]) == 60 + COPIES - 1
    assert (len(plain["results"]), plain["folds"]) == (60, [])
