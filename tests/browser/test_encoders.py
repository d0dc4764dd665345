"""The encoders page: one more is added, filled beside the one that serves, compared, promoted, and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bench.other_encoder import different
from tests.browser.running import Site, Watch

pytestmark = pytest.mark.browser
NAME = "another"
FILLED_MS = 120_000  # every photo is embedded anew, perhaps by a machine that is busy


@pytest.fixture(scope="module")
def folder(site: Site) -> Iterator[Path]:
    """An encoder's folder below the allowed root; whatever happens, the first encoder serves at the end."""
    rows = site.stack.request("GET", "/api/v1/encoders").json()["encoders"]
    yield different(site.folder / "an encoder", NAME)
    [first] = [row["id"] for row in rows if row["serving"]]
    assert site.stack.post(f"/api/v1/encoders/{first}/promote", {"incomplete": True}).status == 200


def serving(site: Site) -> str:
    rows = site.stack.request("GET", "/api/v1/encoders").json()["encoders"]
    return str(next(row["name"] for row in rows if row["serving"]))


def test_what_is_no_encoder_is_refused_on_the_form_and_one_that_is_appears(
    page: Page, site: Site, watch: Watch, folder: Path
) -> None:
    watch.expected.append("422")
    page.goto(f"{site.url}/encoders")
    page.get_by_role("button", name="Add an encoder").click()
    path = page.locator("#take-in-path")
    expect(path).to_be_focused()
    path.fill(str(site.folder / "labelled"))
    path.press("Enter")
    expect(page.locator("#take-in-error")).to_contain_text("is no encoder folder")
    path.fill(str(folder))
    path.press("Enter")
    row = page.locator("tbody tr", has_text=NAME)
    expect(row).to_contain_text(f"0 of {site.images()}")
    expect(page.locator("#take-in")).to_be_hidden()
    expect(page.get_by_role("button", name="Add an encoder")).to_be_focused()


def test_the_four_steps_lead_to_another_encoder_by_the_keyboard_alone(page: Page, site: Site, folder: Path) -> None:
    before = serving(site)
    page.goto(f"{site.url}/encoders")
    row = page.locator("tbody tr", has_text=NAME)
    row.get_by_role("button", name="Promote").press("Enter")
    expect(page.locator("#promotion-title")).to_have_text(f"Let {NAME} serve instead of {before}")
    expect(page.locator("#promotion-title")).to_be_focused()
    switch = page.locator("#switch-go")
    expect(switch).to_be_disabled()
    page.get_by_role("button", name="Start").press("Enter")
    expect(page.locator("#step-fill")).to_have_class("done", timeout=FILLED_MS)
    images = site.images()
    expect(page.locator("#fill-says")).to_contain_text(f"All {images} photos are embedded")
    expect(page.locator("#count-figures")).to_have_text(
        re.compile(rf"{images} photos\s*{images} vectors of {NAME}\s*{images} in its index")
    )
    expect(page.locator("#compare-says")).to_contain_text("nearest are the same, over")
    expect(page.locator("#compare-labels")).to_contain_text("sky")
    expect(page.locator(".sides ul")).to_have_count(2)
    expect(page.locator(".sides ul").first.locator("li")).to_have_count(10)
    second = page.locator("#questions button").nth(1)
    with page.expect_response("**/api/v1/encoders/compare"):
        second.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    assert serving(site) == before
    switch.press("Enter")
    expect(page.locator("tbody tr", has_text=NAME).locator(".state")).to_have_text("serving")
    expect(page.locator("#promotion")).to_be_hidden()
    assert serving(site) == NAME


def test_the_way_back_is_one_press(page: Page, site: Site, folder: Path) -> None:
    assert serving(site) == NAME
    page.goto(f"{site.url}/encoders")
    back = page.locator("#go-back")
    expect(back).to_contain_text("Back to ")
    name = back.inner_text().removeprefix("Back to ").strip()
    back.press("Enter")
    expect(page.locator(".toast")).to_contain_text(f"{name} serves again.")
    expect(page.locator("tbody tr", has_text=NAME).locator(".state")).to_have_text("served before")
    expect(back).to_contain_text(f"Back to {NAME}")
    assert serving(site) == name


def test_a_promotion_is_found_again_where_it_was(page: Page, site: Site, folder: Path) -> None:
    page.goto(f"{site.url}/encoders")
    page.locator("tbody tr", has_text=NAME).get_by_role("button", name="Promote").click()
    page.reload()
    expect(page.locator("#promotion-title")).to_contain_text(f"Let {NAME} serve")
    expect(page.locator("#switch-go")).to_be_enabled()
    page.locator("#promotion-close").click()
    expect(page.locator("#promotion")).to_be_hidden()
    expect(page.locator("tbody tr", has_text=NAME).get_by_role("button", name="Promote")).to_be_focused()
    page.reload()
    expect(page.locator("tbody tr", has_text=NAME)).to_be_visible()
    expect(page.locator("#promotion")).to_be_hidden()


def test_an_encoder_is_downloaded_as_a_zip(page: Page, site: Site, folder: Path) -> None:
    page.goto(f"{site.url}/encoders")
    with page.expect_download() as download:
        page.locator("tbody tr", has_text=NAME).get_by_role("link", name="Download").click()
    assert re.fullmatch(rf"{NAME}-[0-9a-f]{{12}}\.zip", download.value.suggested_filename)
