"""A whole hunt by what a person has: one dropped picture, pages corrected by mouse and keys, the labels exported."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hunt_double import shown
from tests.browser.running import Site
from tests.browser.screen import hand_over, image_ids, selected
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser
Begin = Callable[..., str]
MOST_PAGES = 8  # of 60: there are 210 pictures


def test_from_one_picture_to_all_of_a_label_and_out_again(page: Page, site: Site, begin: Begin, tmp_path: Path) -> None:
    """What comes out is scored by the names of the files, which nothing in Ruiji has seen as labels of this hunt."""
    page.goto(f"{site.url}/hunts")
    page.locator("#label-input").fill("overhead")
    page.keyboard.press("Enter")
    hand_over(page, jpeg(scene("sky", 7300)), how="drop")
    expect(page.locator("#examples .chip:not(.busy) img")).to_be_visible()
    page.locator("#start").click()
    _hunt_to_the_end(page, _pictures_of_sky(site))
    out = tmp_path / "overhead.csv"
    done = site.stack.command("export", "overhead", str(out))
    assert done.returncode == 0, done.stderr
    with out.open(encoding="utf-8", newline="") as lines:
        paths = [Path(row["path"]) for row in csv.DictReader(lines)]
    right = sum(_is_sky(path) for path in paths)
    there = sum(_is_sky(path) for path in site.folder.rglob("*.jpg"))
    assert right / len(paths) >= 0.98, "precision"
    assert right / there >= 0.9, "recall"


def _hunt_to_the_end(page: Page, sky: set[int]) -> None:
    """Put every page right and confirm it, until it is a page without any: then look how the hunt says it stands."""
    page.locator('#main[data-step="page"]').wait_for()
    for _ in range(MOST_PAGES):
        shown(page)
        ids, chosen = image_ids(page), set(selected(page))
        wanted = {index for index, image_id in enumerate(ids) if image_id in sky}
        for index in sorted(wanted ^ chosen):
            page.locator(f'.tile[data-index="{index}"]').click()
        page.keyboard.press("Enter")
        expect(page.locator(".toast").last).to_contain_text(f"{len(wanted)} yes · {len(ids) - len(wanted)} no")
        if not wanted:
            return
    raise AssertionError(f"the hunt still brings sky after {MOST_PAGES} pages")


def _is_sky(path: Path) -> bool:
    return path.parent.name == "sky" or path.stem.endswith("-0")


def _pictures_of_sky(site: Site) -> set[int]:
    """The images whose file says so, as ids."""
    found = set()
    for path in site.folder.rglob("*.jpg"):
        if _is_sky(path):
            best = site.stack.upload(path.read_bytes(), k=1).json()["results"][0]
            found.add(int(best["image_id"]))
    return found
