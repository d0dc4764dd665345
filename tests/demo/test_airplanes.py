"""All airplanes of the demo, from one dropped photo to "about all found", with mouse and keys alone."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bench.record import publish
from tests.browser.screen import hand_over
from tests.demo.conftest import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]
WANTED = "airplane"
MOST_STEPS = 200
CHECK_EVERY = 5  # pages between two looks at how many are left
TILES = """
tiles => tiles.map(tile => [
  tile.querySelector("footer span").textContent,
  tile.getAttribute("aria-selected") === "true",
  [...tile.querySelectorAll(".tag:not(.suggested)")].map(tag => tag.textContent),
])
"""


@dataclass
class Person:
    """Answers from the true labels; touches nothing but mouse and keys, and knows only what the page shows."""

    page: Page
    truth: dict[str, str]
    clicks: int = 0
    looked_at: int = 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.clicks += 1

    def click(self, selector: str) -> None:
        self.page.locator(selector).click()
        self.clicks += 1

    def is_wanted(self, name: str, tags: list[str]) -> bool:
        """Whether the picture is one; the photos that came with labels say so themselves."""
        return WANTED in tags if len(name) == len("001.png") else self.truth[name] == WANTED

    def put_right(self) -> int:
        """Take out what is wrong and in what is right, by the shorter way; how many are right."""
        tiles = self.page.locator(".tile").evaluate_all(TILES)
        right = [self.is_wanted(name, tags) for name, _, tags in tiles]
        self.looked_at += len(tiles)
        chosen = [selected for _, selected, _ in tiles]
        above = self.page.locator(".cut").count() == 0
        if above and 2 * sum(a != b for a, b in zip(right, chosen, strict=True)) > len(tiles) + 2:
            self.press("i")
            chosen = [not selected for selected in chosen]
        for index, (wanted, selected) in enumerate(zip(right, chosen, strict=True)):
            if wanted != selected:
                self.click(f'.tile[data-index="{index}"]')
        return sum(right)


def steps(page: Page) -> Iterator[str]:
    """The kind of each step as it comes; a person looks a moment before acting."""
    for _ in range(MOST_STEPS):
        page.locator("#main[data-step]").wait_for()
        page.wait_for_timeout(320)
        yield str(page.locator("#main").get_attribute("data-step"))
    raise AssertionError(f"the hunt still goes on after {MOST_STEPS} steps")


def test_from_one_dropped_photo_to_about_all_found(
    page: Page, eleven_thousand: Demo, tmp_path: Path, pictures_to: Path | None
) -> None:
    """The export is scored by the truth, which Ruiji never sees."""
    site, truth = eleven_thousand.site, eleven_thousand.truth
    person = Person(page, truth)
    page.goto(f"{site.url}/hunts")
    page.locator("#label-input").fill("plane")
    page.keyboard.press("Enter")
    sample = next((site.folder / "samples").glob(f"{WANTED}-*.png"))
    hand_over(page, sample.read_bytes(), how="drop", name="photo.png", mime="image/png")
    expect(page.locator("#examples .chip:not(.busy) img")).to_be_visible()
    began = time.monotonic()
    person.click("#start")
    pages = 0
    for kind in steps(page):
        if page.locator("#finish.primary").count():  # what the page makes of it once nearly all are found
            break
        assert kind != "end", "all was decided, and it never said that nearly all are found"
        if kind == "accept":
            person.press("Enter")
            continue
        if pictures_to and pages in (0, 3):
            page.screenshot(path=pictures_to / f"hunt-page-{pages + 1}.png")
        if kind == "page":
            pages += 1
            if pages % CHECK_EVERY == 0:
                person.click("#check")
                page.locator('#main[data-step="check"]').wait_for()
                page.wait_for_timeout(320)
        person.put_right()
        tile = page.locator(".tile").first.element_handle()
        person.press("Enter")
        tile.wait_for_element_state("hidden")  # or what is shown next is taken for what was shown
    took = time.monotonic() - began
    said = page.locator("#estimate-text").inner_text()
    if pictures_to:
        page.screenshot(path=pictures_to / "hunt-about-all.png")
    person.click("#finish")
    expect(page.locator("#message")).to_contain_text("This hunt is finished")
    out = tmp_path / "planes.csv"
    done = site.stack.command("export", "plane", str(out))
    assert done.returncode == 0, done.stderr
    with out.open(encoding="utf-8", newline="") as lines:
        found = [Path(row["path"]) for row in csv.DictReader(lines)]
    right = sum(path.parent.name == WANTED or truth.get(path.name) == WANTED for path in found)
    there = sum(label == WANTED for label in truth.values()) + len(list((site.folder / "labelled" / WANTED).iterdir()))
    figures = {
        "precision": right / len(found), "recall": right / there, "found": len(found), "said": said, "pages": pages,
        "clicks_and_keys": person.clicks, "looked_at": person.looked_at, "seconds_of_the_script": took,
        "person_s_per_100_labels": (0.7 * person.clicks + 0.1 * person.looked_at) / right * 100,
    }  # fmt: skip
    publish("hunt-demo", figures, folder=pictures_to or tmp_path, photos=len(truth), examples=1)
    assert right / len(found) >= 0.98, "precision"
    assert right / there >= 0.9, "recall"
