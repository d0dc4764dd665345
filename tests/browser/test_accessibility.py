"""No page, in either theme, has a serious or critical fault by axe-core; a new page is found by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import axe
from tests.browser.hunt_double import shown
from tests.browser.running import Site
from tests.browser.screen import only_unlabelled

pytestmark = pytest.mark.browser


@pytest.fixture(params=["dark", "light"])
def themed(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page in this theme that has axe-core, and whose colours do not fade in."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=request.param, reduced_motion="reduce"
    )
    context.set_default_timeout(30_000)
    context.add_init_script(axe.source())
    yield context.new_page()
    context.close()


def test_no_page_has_a_serious_fault(themed: Page, site: Site, every_page: list[str]) -> None:
    found: dict[str, list[str]] = {}
    for address in every_page:
        themed.goto(site.url + address)
        themed.wait_for_load_state("networkidle")
        if faults := axe.faults(themed):
            found[address] = faults
    assert not found, "\n".join(f"{address}\n  " + "\n  ".join(faults) for address, faults in found.items())


def test_results_and_dialogs_have_no_serious_fault(themed: Page, site: Site) -> None:
    themed.goto(site.url)
    themed.locator(".sample").first.click()
    themed.locator(".tile").first.wait_for()
    themed.keyboard.press("ArrowRight")
    assert axe.faults(themed) == []
    themed.keyboard.press("f")
    expect(themed.locator("#view")).to_be_visible()
    assert axe.faults(themed) == []
    themed.keyboard.press("Escape")
    expect(themed.locator("#view")).to_be_hidden()
    themed.keyboard.press("?")
    expect(themed.locator("#help")).to_be_visible()
    assert axe.faults(themed) == []
    themed.keyboard.press("Escape")
    only_unlabelled(themed)
    themed.keyboard.press("Control+a")
    themed.locator("#whole-offer button").first.wait_for()
    themed.keyboard.press("Control+a")
    expect(themed.locator("#whole-offer")).to_contain_text("that match are selected")
    themed.locator("#label-input").fill("all of them")
    assert axe.faults(themed) == []
    themed.keyboard.press("Enter")
    themed.keyboard.press("Enter")
    expect(themed.locator("#whole-dialog")).to_be_visible()
    assert axe.faults(themed) == []
    themed.locator("#whole-cancel").click()


def test_a_step_of_a_hunt_has_no_serious_fault(themed: Page, site: Site, begin: Callable[..., str]) -> None:
    themed.goto(f"{site.url}/hunts/{begin('seen by all')}")
    shown(themed)
    assert axe.faults(themed) == []


def test_a_fault_would_be_found(themed: Page, site: Site) -> None:
    themed.goto(f"{site.url}/jobs")
    themed.evaluate("document.querySelector('main').append(document.createElement('button'))")
    themed.evaluate("document.querySelector('h1').style.cssText = 'color: #808080; background: #707070'")
    assert {fault.split(" ")[0] for fault in axe.faults(themed)} == {"button-name", "color-contrast"}
