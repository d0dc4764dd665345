"""The map in the browser: drawn, lassoed, labelled, coloured, filtered, in three dimensions, and by keyboard alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from bench.other_encoder import different
from deploy.mapping.drawing import Drawing, colours_of
from deploy.mapping.page import draw_page
from tests.browser.conftest import taking_back
from tests.browser.running import Site, labels_of
from tests.browser.screen import counts, image_ids
from tests.chromium import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]  # each map is drawn in earnest
DRAWN_MS = 150_000  # on a machine that is busy with other tests; alone it takes ten seconds


@pytest.fixture
def drawn(page: Page, site: Site) -> Callable[..., Page]:
    """Opens the map, and has it drawn where it is not yet."""

    def show(path: str = "/map") -> Page:
        page.goto(site.url + path)
        panel = page.locator("#panel-1")
        expect(panel).to_have_attribute("data-state", re.compile("none|done"))
        if panel.get_attribute("data-state") == "none":
            panel.get_by_role("button", name="Draw the map").click()
            expect(panel.locator("progress")).to_be_visible()
            expect(panel).to_have_attribute("data-state", "done", timeout=DRAWN_MS)
        expect(panel.locator("canvas")).to_be_visible()
        return page

    return show


@pytest.fixture
def undone(site: Site) -> Iterator[None]:
    with taking_back(site.stack):
        yield


def test_where_drawing_is_not_installed_it_is_not_offered(page: Page, site: Site) -> None:
    def without(route: Route) -> None:
        route.fulfill(body=route.fetch().text().replace('data-missing=""', 'data-missing="Say `make maps` first."'))

    page.route("**/map?d=3", without)
    page.goto(f"{site.url}/map?d=3")
    panel = page.locator("#panel-1")
    expect(panel.locator("[data-part=says]")).to_contain_text("No map in 3 dimensions yet")
    expect(panel.locator("[data-part=hint]")).to_have_text("Say `make maps` first.")
    expect(panel.locator("[data-part=draw]")).to_be_hidden()


def test_a_map_of_some_of_many_photos_says_so(page: Page, site: Site, drawn: Callable[..., Page]) -> None:
    def of_many(route: Route) -> None:
        maps = route.fetch().json()["maps"]
        route.fulfill(json={"maps": [{**one, "of": one["images"] + 1001} for one in maps]})

    drawn()
    page.route("**/api/v1/maps", of_many)
    page.reload()
    says = page.locator("#panel-1 [data-part=says]")
    expect(says).to_contain_text(re.compile(r"^\d+ of 1,\d{3} photos, chosen at random · "))


def around(page: Page, *, inset: float = 0.02, panel: int = 1) -> None:
    """Draw a line around nearly the whole map."""
    box = page.locator(f"#panel-{panel} canvas").bounding_box()
    assert box
    corners = [(inset, inset), (1 - inset, inset), (1 - inset, 1 - inset), (inset, 1 - inset), (inset, 2 * inset)]
    for at, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if at == 0:
            page.mouse.down()
    page.mouse.up()


def expect_another_picture(canvas: Locator, before: bytes) -> None:
    """It is drawn with one of the next frames."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while canvas.screenshot() == before:
        assert time.monotonic() < until, "it looks as it did"


def test_a_lasso_opens_the_photos_and_they_are_labelled(drawn: Callable[..., Page], site: Site, undone: None) -> None:
    page = drawn()
    expect(page.locator("#panel-1 [data-part=says]")).to_contain_text(re.compile(r"^\d+ photos"))
    around(page)
    expect(page.locator("#chosen-title")).to_have_text(f"{site.images()} photos")
    expect(page.locator("#shown-count")).to_have_text(str(site.images()))
    selected, shown = counts(page)
    assert shown == site.images() and 0 < selected < shown  # labelled ones arrive unselected
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="0"]').click()
    page.locator("#label-input").fill("from the map")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("1 picture labelled from the map")
    assert "from the map" in labels_of(site, image_ids(page)[0])


def test_a_part_of_the_map_holds_fewer_photos_than_all_of_it(drawn: Callable[..., Page], site: Site) -> None:
    page = drawn()
    page.locator("#lasso").click()  # off: a drag moves the map now, and with Shift it is a lasso
    page.locator("#panel-1 canvas").hover()
    for _ in range(4):
        page.mouse.wheel(0, -400)
    page.keyboard.down("Shift")
    around(page)
    page.keyboard.up("Shift")
    few = page.locator(".toast, #results:not([hidden]) h2").first
    expect(few).to_be_visible()
    if page.locator("#results").is_visible():
        assert int(page.locator("#chosen-title").inner_text().split()[0]) < site.images()


def test_the_list_of_colours_opens_a_label_by_keyboard(drawn: Callable[..., Page]) -> None:
    page = drawn()
    row = page.locator("#legend button", has_text="brick")
    row.focus()
    page.keyboard.press("Enter")
    many = int(row.locator("b").inner_text())
    expect(page.locator("#chosen-title")).to_have_text(f"{many} photos")
    expect(page.locator(".tile")).to_have_count(many)
    expect(page.locator('.tile:not(:has(.tag:text("brick")))')).to_have_count(0)


def test_the_map_shows_one_label_alone_and_says_so_in_its_address(drawn: Callable[..., Page]) -> None:
    page = drawn()
    page.locator("#show").select_option("label:sky")
    expect(page).to_have_url(re.compile("show=label%3Asky"))
    around(page)
    expect(page.locator("#chosen-title")).to_have_text(
        page.locator("#legend button", has_text="sky").locator("b").inner_text() + " photos"
    )
    page.reload()
    expect(page.locator("#show")).to_have_value("label:sky")


def test_a_photo_shows_itself_under_the_pointer(drawn: Callable[..., Page]) -> None:
    page = drawn()
    box = page.locator("#panel-1 canvas").bounding_box()
    assert box
    preview = page.locator("#panel-1 .preview")
    for at in range(60):  # a walk across the map meets a point
        x, y = (at % 10 + 0.5) / 10, (at // 10 + 0.5) / 6
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=12)
        if preview.is_visible():
            break
    expect(preview.locator("img")).to_have_js_property("complete", True)
    assert preview.locator("img").evaluate("image => image.naturalWidth") > 0


def test_a_map_in_three_dimensions_turns(drawn: Callable[..., Page]) -> None:
    page = drawn("/map?d=3")
    canvas = page.locator("#panel-1 canvas")
    before = canvas.screenshot()
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect_another_picture(canvas, before)
    around(page, inset=0.01)
    expect(page.locator("#chosen-title")).to_contain_text("photo")


def test_two_encoders_lie_side_by_side_and_show_the_same_photos(drawn: Callable[..., Page], site: Site) -> None:
    stack = site.stack
    folder = different(site.folder / "other eyes", "other eyes")
    other = stack.post("/api/v1/encoders", {"path": str(folder)}).json()["id"]
    stack.wait_job(stack.post(f"/api/v1/encoders/{other}/fill", {}).json()["job"])
    page = drawn()
    page.locator("#beside").select_option("other eyes")
    second = page.locator("#panel-2")
    expect(second.get_by_role("heading")).to_have_text("other eyes")
    expect(second).to_have_attribute("data-state", "none")
    second.get_by_role("button", name="Draw the map").click()
    expect(second).to_have_attribute("data-state", "done", timeout=DRAWN_MS)
    expect(page).to_have_url(re.compile(f"beside={other}"))
    apart = second.locator("canvas")
    before = apart.screenshot()
    around(page, panel=1)
    expect(page.locator("#chosen-title")).to_have_text(f"{site.images()} photos")
    expect_another_picture(apart, before)  # the same photos stand out there


def test_a_map_written_by_the_shell_works_without_a_server(page: Page, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    flat, deep = (rng.uniform(-1, 1, (40, axes)).astype(np.float32) for axes in (2, 3))
    names = ("cat",) * 20 + ("dog",) * 20
    drawings = [Drawing("flat", flat, names), Drawing("deep", deep, names)]
    file = tmp_path / "map.html"
    file.write_text(draw_page(drawings, colours_of(drawings)), encoding="utf-8")
    page.goto(file.as_uri())
    expect(page.locator("canvas")).to_have_count(2)
    for canvas in page.locator("canvas").all():
        before = canvas.screenshot()
        canvas.focus()
        page.keyboard.press("ArrowRight")
        expect_another_picture(canvas, before)
    shown = page.locator("canvas").first.screenshot()
    page.get_by_role("button", name="dog").click()
    expect(page.get_by_role("button", name="dog")).to_have_attribute("aria-pressed", "false")
    expect_another_picture(page.locator("canvas").first, shown)
