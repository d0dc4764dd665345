"""A picture is one label of an exclusive group at most: the page shows so at once, and what an undo brings back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import taking_back
from tests.browser.running import Site, labels_of
from tests.browser.screen import image_ids, only_unlabelled

pytestmark = pytest.mark.browser


@pytest.fixture
def rivals(site: Site) -> Iterator[tuple[str, str]]:
    """Two labels of an exclusive group; what is decided in the test is taken back after it."""
    group = uuid4().hex[:6]
    names = (f"day {group}", f"night {group}")
    for name in names:
        assert site.stack.post("/api/v1/labels", {"name": name, "group": group, "exclusive": True}).status == 201
    with taking_back(site.stack):
        yield names
    # What is undone out of turn comes back with the undo of what came after it.
    for image in range(1, site.images() + 1):
        for name in labels_of(site, image) & set(names):
            body = {"key": uuid4().hex, "label": name, "decision": "unknown", "image_ids": [image]}
            assert site.stack.post("/api/v1/labels/decisions", body).status == 200


def opened(results: Callable[[], Page], rivals: tuple[str, str]) -> tuple[Page, Locator, int]:
    """A search, with one unlabelled picture selected: the page, that picture's labels, and its id."""
    page = results()
    for name in rivals:  # the page knows of the group
        expect(page.locator(f'[data-filter="label:{name}"]')).to_be_attached()
    only_unlabelled(page)
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="4"]').click()
    return page, page.locator('.tile[data-index="4"] .tag:not(.suggested, .own)'), image_ids(page)[4]


def confirm(page: Page, name: str) -> None:
    page.locator("#label-input").fill(name)
    page.keyboard.press("Enter")  # takes the typed label
    page.keyboard.press("Enter")  # confirms it
    expect(page.locator(".toast").last).to_contain_text(f"1 picture labelled {name}")


def test_the_other_label_goes_at_once_and_an_undo_brings_it_back(
    results: Callable[[], Page], site: Site, rivals: tuple[str, str]
) -> None:
    page, tags, image = opened(results, rivals)
    first, second = rivals
    confirm(page, first)
    expect(tags).to_have_text([first])
    page.locator('.tile[data-index="4"]').click()
    confirm(page, second)
    expect(tags).to_have_text([second])
    assert labels_of(site, image) == {second}
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").last).to_contain_text("Undone")
    expect(tags).to_have_text([first])
    assert labels_of(site, image) == {first}
    page.keyboard.press("Control+z")
    expect(tags).to_have_count(0)
    assert labels_of(site, image) == set()


def test_what_is_undone_out_of_turn_leaves_the_later_label(
    results: Callable[[], Page], site: Site, rivals: tuple[str, str]
) -> None:
    page, tags, image = opened(results, rivals)
    first, second = rivals
    confirm(page, first)
    earlier = page.locator(".toast", has_text=first).get_by_role("button", name="Undo")
    earlier.hover()  # it stays while it is pointed at
    page.locator('.tile[data-index="4"]').focus()
    page.keyboard.press("x")
    confirm(page, second)
    earlier.click()
    expect(page.locator(".toast").last).to_contain_text("Nothing was taken back: what was decided since stays")
    expect(tags).to_have_text([second])
    assert labels_of(site, image) == {second}
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").last).to_contain_text("Undone: 1 picture as before")
    expect(tags).to_have_text([first])
    assert labels_of(site, image) == {first}
