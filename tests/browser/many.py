"""A search that finds thousands: answers of the API with real thumbnails, and what the page does with so many tiles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route

from tests.browser.running import Site

FIRST_ID = 1_000_000
FIRST = 60  # tiles above the line, which arrive selected
LINE_PX = 37
# Tiles of which anything changed, or that came onto the page, since `touched` was asked for last.
OBSERVE = """() => {
  let seen = new Set();
  const note = (records) => {
    for (const { target, addedNodes } of records) {
      const tile = (target.nodeType === 1 ? target : target.parentElement)?.closest(".tile");
      if (tile) seen.add(tile);
      for (const node of addedNodes) for (const one of node.querySelectorAll?.(".tile") ?? []) seen.add(one);
    }
  };
  const observer = new MutationObserver(note);
  const grid = document.getElementById("grid");
  observer.observe(grid, { subtree: true, childList: true, attributes: true, characterData: true });
  window.touched = async () => {
    for (let n = 0; n < 2; n += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
    note(observer.takeRecords());
    const many = seen.size;
    seen = new Set();
    return many;
  };
}"""
SCROLL = """async (to) => {
  scrollTo({ top: to === "end" ? document.documentElement.scrollHeight : to, behavior: "instant" });
  for (let n = 0; n < 3; n += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
}"""
IN_VIEW = """tiles => tiles.filter((tile) => {
  const { top, bottom } = tile.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}).map((tile) => Number(tile.dataset.index))"""


@dataclass
class Many:
    """A search by image 1 that finds `total` images, all without a label, on this page instead of the server's."""

    page: Page
    site: Site
    total: int = 6000
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = self.site.stack.post("/api/v1/search?k=200", {"image_id": 1}).json()
        self.answer = {**found, "folds": [], "way_up": None}
        self.base = found["results"]
        self.page.route("**/api/v1/search?*", self.search)
        self.page.route("**/api/v1/labels/decisions", self.decide)

    def result(self, place: int) -> dict[str, Any]:
        """The result at this place."""
        real = self.base[place % len(self.base)]
        score = 1 - place / (2 * self.total)
        return {**real, "image_id": FIRST_ID + place, "score": score, "labels": [], "own_copy": False}

    def search(self, route: Route) -> None:
        """Answer a search with as many as it asks for."""
        k = int(parse_qs(urlsplit(route.request.url).query)["k"][0])
        results = [self.result(place) for place in range(min(k, self.total))]
        route.fulfill(json={**self.answer, "results": results, "exhausted": k >= self.total})

    def decide(self, route: Route) -> None:
        """Take a decision about images that there are not."""
        body: dict[str, Any] = json.loads(route.request.post_data or "")
        self.sent.append(body)
        applied = len(body["image_ids"])
        route.fulfill(json={"batch": 10**9, "applied": applied, "unchanged": 0, "repeated": False})

    def open(self, k: int) -> None:
        """Search, and wait for the tiles."""
        self.page.goto(f"{self.site.url}/?image=1&k={k}")
        self.page.locator(".tile").first.wait_for()
        self.page.evaluate(OBSERVE)

    def touched(self) -> int:
        """How many tiles were changed or made since this was asked for last."""
        return int(self.page.evaluate("touched()"))

    def columns(self) -> int:
        """How many tiles a row holds."""
        tracks = "getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length"
        return int(self.page.evaluate(tracks))

    def row(self, place: int) -> int:
        """The row that a tile is in; the line is one too."""
        columns = self.columns()
        return place // columns if place < FIRST else -(-FIRST // columns) + 1 + (place - FIRST) // columns

    def there(self) -> list[int]:
        """The places of the tiles that are on the page, as they follow each other."""
        return self._places("tiles => tiles.map((tile) => Number(tile.dataset.index))")

    def in_view(self) -> list[int]:
        """The places of the tiles of which something is in the window."""
        return self._places(IN_VIEW)

    def _places(self, script: str) -> list[int]:
        return [int(place) for place in self.page.locator(".tile").evaluate_all(script)]

    def scroll(self, to: int | str) -> None:
        """Scroll to a height in px, or to the "end", and let the page follow."""
        self.page.evaluate(SCROLL, to)
