"""Two labels side by side: the most confused pictures first, moved to the other label or out of both."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.hunt_double import shown
from tests.browser.labelled import Labelled
from tests.browser.running import REPORT_VIOLATIONS, labels_of
from tests.browser.screen import first_held

pytestmark = pytest.mark.browser


def ids_of(page: Page, side: str) -> list[int]:
    tiles = page.locator(f"#{side}-grid .tile")
    return [int(one) for one in tiles.evaluate_all("tiles => tiles.map(t => Number(t.dataset.imageId))")]


def test_what_is_mixed_up_is_moved_and_one_undo_takes_both_sides_back(page: Page, labelled: Labelled) -> None:
    site, brick = labelled.site, labelled.known()["brick"]["id"]
    page.goto(f"{labelled.url}?tab=compare&with={brick}")
    shown(page)
    mine, theirs = ids_of(page, "mine"), ids_of(page, "theirs")
    assert set(mine[:2]) == set(labelled.wrong[2:])
    assert (len(mine), len(theirs)) == (30, 10)
    expect(page.locator("#mine-title")).to_have_text(f"{labelled.name} most like brick")
    expect(page.locator("#confirm")).to_be_disabled()
    page.keyboard.press("Enter")  # nothing is selected
    page.locator("#mine-grid .tile").nth(0).click()
    page.locator("#mine-grid .tile").nth(1).click()
    page.locator("#theirs-grid .tile").nth(0).click()
    expect(page.locator("#confirm-text")).to_have_text(f"Move 2 to brick, 1 to {labelled.name}")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("3 pictures moved")
    assert ids_of(page, "mine") == mine[2:]
    assert ids_of(page, "theirs") == theirs[1:]
    assert [labels_of(site, one) for one in mine[:2]] == [{"brick"}] * 2
    assert labels_of(site, theirs[0]) == {labelled.name}
    page.keyboard.press("z")
    expect(page.locator(".toast").last).to_contain_text("Undone: 3 pictures as before")
    shown(page)
    assert [labels_of(site, one) for one in (*mine[:2], theirs[0])] == [{labelled.name}] * 2 + [{"brick"}]
    assert (sorted(ids_of(page, "mine")), sorted(ids_of(page, "theirs"))) == (sorted(mine), sorted(theirs))


def test_the_keyboard_walks_one_side_and_neither_takes_out(page: Page, labelled: Labelled) -> None:
    site, grass = labelled.site, labelled.known()["grass"]["id"]
    page.goto(f"{labelled.url}?tab=compare&with={grass}")
    shown(page)
    mine, theirs = ids_of(page, "mine"), ids_of(page, "theirs")
    page.keyboard.press("ArrowRight")  # the first tile, then to the second
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("f")
    expect(page.locator("#view-position")).to_have_text("2 of 30")
    page.keyboard.press("Escape")
    expect(page.locator("#mine-grid .tile").nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("f")
    expect(page.locator("#view-position")).to_have_text("1 of 10")
    page.keyboard.press("Escape")
    expect(page.locator("#theirs-grid .tile").first).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("Escape")  # nothing is selected any more
    expect(page.locator('.tile[aria-selected="true"]')).to_have_count(0)
    page.locator("#mine-grid .tile").nth(1).focus()
    page.keyboard.press("x")
    page.keyboard.press("n")
    expect(page.locator(".toast")).to_contain_text("1 picture taken out")
    assert labels_of(site, mine[1]) == set()
    assert ids_of(page, "mine") == [mine[0], *mine[2:]]
    assert ids_of(page, "theirs") == theirs


def test_the_label_it_is_mixed_up_with_is_proposed_and_another_chosen(page: Page, labelled: Labelled) -> None:
    page.goto(labelled.url)
    shown(page)
    page.get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile(r"\?tab=compare&with=\d+$"))
    expect(page.locator("#other option:checked")).to_have_text(re.compile(r"^(grass|brick) \(10\)$"))
    sky = labelled.known()["sky"]["id"]
    page.locator("#other").select_option(str(sky))
    expect(page.locator("#mine-title")).to_contain_text("most like sky")
    expect(page).to_have_url(f"{labelled.url}?tab=compare&with={sky}")
    labelled.decide("sky", labelled.right[:3])
    page.reload()
    expect(page.locator("#summary")).to_contain_text("3 pictures carry both and are not shown")
    assert not set(labelled.right[:3]) & set(ids_of(page, "mine"))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_tab_fits_a_window_of_1024(browser: Browser, labelled: Labelled, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    for tab in ("review", "suggested", "compare"):
        page.goto(f"{labelled.url}?tab={tab}")
        shown(page)
        page.locator(".tile").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1024, tab
        for part in ("#confirm-bar", "#line", ".label-line"):
            box = page.locator(part).bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 1024, (tab, part)
            assert box["height"] < 64, f"{part} of {tab} is broken into lines"
    context.close()


def test_what_was_moved_does_not_come_back_before_the_server_has_heard_of_it(page: Page, labelled: Labelled) -> None:
    # With 90 pictures a side has more than it shows at first.
    asked = {"image_id": labelled.right[0], "k": 200, "unlabelled": True}
    more = [row["image_id"] for row in labelled.site.stack.post("/api/v1/search", asked).json()["results"]]
    labelled.decide(labelled.name, more[:60])
    brick = labelled.known()["brick"]["id"]
    held: list[Route] = []
    # Before the page is opened: a page that is open already may still send its next request past a new route.
    page.route(
        "**/against/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    page.goto(f"{labelled.url}?tab=compare&with={brick}")
    shown(page)
    assert len(ids_of(page, "mine")) == 60
    moved = ids_of(page, "mine")[30:]
    page.locator("#mine-grid .tile").first.focus()
    page.keyboard.press("Control+a")
    page.locator("#mine-grid .tile").first.click()
    page.locator("#mine-grid .tile").nth(29).click(modifiers=["Shift"])
    with page.expect_response(lambda answer: "offset=30" in answer.url):
        page.keyboard.press("Enter")  # 30 are left, and more come as soon as the end is near
        expect(page.locator(f'#mine-grid .tile[data-image-id="{moved[0]}"]')).to_have_count(0)
        page.mouse.wheel(0, 20_000)
    expect(page.locator("#mine-grid .tile")).not_to_have_count(30)
    assert not set(moved) & set(ids_of(page, "mine"))
    first_held(page, held).continue_()
    expect(page.locator(".toast")).to_contain_text("30 pictures moved")
    assert not set(moved) & set(ids_of(page, "mine"))
