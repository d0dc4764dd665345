"""What a test sees of the main screen, and how it hands pictures to it."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route, expect

from tests.chromium import PATIENCE_MS

TRANSFER = """
([data, padding, name, type, how]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes, new Uint8Array(padding)], name, { type }));
  if (how === "paste") {
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
    return;
  }
  for (const kind of ["dragenter", "dragover", ...(how === "drop" ? ["drop"] : [])]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}
"""


def hand_over(
    page: Page, data: bytes, *, how: str, name: str = "photo.jpg", mime: str = "image/jpeg", padding: int = 0
) -> None:
    """Drop, paste, or only drag a file over the page (`how`: drop, paste, drag); `padding` zero bytes follow `data`."""
    page.evaluate(TRANSFER, [base64.b64encode(data).decode(), padding, name, mime, how])


def only_unlabelled(page: Page) -> None:
    """Narrow the search to what has no label, and wait for the answer."""
    page.get_by_label("Unlabelled only").check()
    expect(page.locator(".tile .tag:not(.suggested, .own)")).to_have_count(0)
    expect(page.locator(".tile")).to_have_count(60)


def counts(page: Page) -> tuple[int, int]:
    """The floating bar's numbers: selected, shown."""
    numbers = [page.locator(f"#{name}").inner_text().replace(",", "") for name in ("selected-count", "shown-count")]
    return int(numbers[0]), int(numbers[1])


def selected(page: Page) -> list[int]:
    """The indices of the selected tiles."""
    tiles = page.locator('.tile[aria-selected="true"]').evaluate_all("tiles => tiles.map(t => Number(t.dataset.index))")
    return [int(index) for index in tiles]


def image_ids(page: Page) -> list[int]:
    """The images shown, nearest first."""
    return [int(i) for i in page.locator(".tile").evaluate_all("tiles => tiles.map(t => Number(t.dataset.imageId))")]


def first_held(page: Page, held: list[Route], *, many: int = 1) -> Route:
    """The first of `many` requests that a route holds back: a page may show that it asks before they are here."""
    for _ in range(PATIENCE_MS // 10):
        if len(held) >= many:
            return held[0]
        page.wait_for_timeout(10)
    raise AssertionError(f"{len(held)} of {many} requests came to be held back within {PATIENCE_MS / 1000} seconds")


def to_the_end(page: Page) -> None:
    """Scroll down again and again until all there is has been loaded."""
    page.mouse.move(800, 500)
    end = page.locator("#grid-end")
    until = time.monotonic() + PATIENCE_MS / 1000
    while end.inner_text() != "That is all there is.":
        assert time.monotonic() < until, end.inner_text()
        page.mouse.wheel(0, 100_000)
        page.wait_for_timeout(50)


@contextmanager
def at_once(page: Page) -> Iterator[None]:
    """By the page's own clock no time passes within: what is done too soon is so on a busy machine too."""
    page.evaluate("() => { const now = performance.now(); performance.now = () => now; }")
    yield
    page.evaluate("() => { delete performance.now; }")


def offer(page: Page) -> int:
    """The number that the strip offers to select."""
    button = page.locator("#whole-offer").get_by_role("button", name="that match")
    expect(button).to_be_visible()
    found = re.search(r"Select all ([\d,]+) that match", button.inner_text())
    assert found
    return int(found[1].replace(",", ""))
