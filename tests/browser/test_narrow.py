"""Every page can be used from 360 px on: nothing but a table scrolls sideways, no control is out of reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import axe
from tests.browser.running import Site, Watch
from tests.browser.screen import only_unlabelled
from tests.browser.widths import HEIGHT, WIDTHS, outside, outside_at_all_widths

pytestmark = pytest.mark.browser
NARROW: ViewportSize = {"width": WIDTHS[0], "height": HEIGHT}


def test_nothing_of_any_page_is_out_of_the_window(page: Page, site: Site, every_page: list[str], watch: Watch) -> None:
    watch.expected += ["404", "410"]  # no such page, and a link that is used up
    found = {}
    for address in every_page:
        page.goto(site.url + address)
        page.wait_for_load_state("networkidle")
        if faults := outside_at_all_widths(page):
            found[address] = faults
    assert not found, "\n".join(f"{address}\n  " + "\n  ".join(faults) for address, faults in found.items())


def test_what_is_out_of_the_window_would_be_found(page: Page, site: Site) -> None:
    page.set_viewport_size(NARROW)
    page.goto(f"{site.url}/jobs")
    assert outside(page) == []
    page.evaluate("document.querySelector('.card').style.cssText = 'width: 500px'")
    page.evaluate("document.querySelector('#theme-toggle').style.cssText = 'position: fixed; left: 350px'")
    found = outside(page)
    assert any("px wide" in fault for fault in found)
    assert any(fault.startswith("theme-toggle") for fault in found)


def test_results_of_a_search_and_their_dialogs_fit(results: Callable[[], Page]) -> None:
    page = results()
    page.set_viewport_size(NARROW)
    assert outside_at_all_widths(page) == []
    page.keyboard.press("ArrowRight")
    for key, dialog in (("f", "#view"), ("?", "#help")):
        page.keyboard.press(key)
        expect(page.locator(dialog)).to_be_visible()
        assert outside(page) == [], dialog
        page.keyboard.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    only_unlabelled(page)
    page.keyboard.press("Control+a")
    page.locator("#whole-offer button").first.wait_for()
    assert outside_at_all_widths(page) == []


def test_by_keyboard_the_menu_and_the_filters_open_and_close(page: Page, site: Site) -> None:
    page.set_viewport_size(NARROW)
    page.goto(site.url)
    for name, inside in (
        ("Menu", page.get_by_role("link", name="Encoders")),
        ("Filters", page.get_by_label("Unlabelled only")),
    ):
        button = page.get_by_role("button", name=name)
        expect(inside).to_be_hidden()
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(inside).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(inside).to_be_hidden()
        expect(button).to_be_focused()
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Hide the query itself").check()
    page.get_by_role("button", name="Filters in use").click()
    expect(page.get_by_role("button", name="Filters in use")).to_have_attribute("aria-expanded", "false")
    page.set_viewport_size({"width": 1280, "height": HEIGHT})
    expect(page.locator(".drawer-button:visible")).to_have_count(0)
    expect(page.get_by_label("Unlabelled only")).to_be_visible()


def test_a_narrow_page_has_no_serious_fault(page: Page, site: Site) -> None:
    page.add_init_script(axe.source())
    page.set_viewport_size(NARROW)
    page.goto(site.url)
    page.locator(".sample").first.wait_for()
    for name in ("Menu", "Filters"):
        page.get_by_role("button", name=name).click()
    assert axe.faults(page) == []
    page.goto(f"{site.url}/users")
    page.locator("#audit td").first.wait_for()
    assert axe.faults(page) == [], "a table that scrolls is scrolled by keyboard too"
