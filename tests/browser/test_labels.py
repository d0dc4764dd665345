"""The labels page: names, colours, groups and merges, by mouse and by keyboard, with what a merge does said first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.running import Site, Watch

pytestmark = pytest.mark.browser


def said(site: Site) -> dict[str, Any]:
    return {row["name"]: row for row in site.stack.request("GET", "/api/v1/labels").json()["labels"]}


def say(site: Site, label: str, image_ids: list[int], decision: str = "yes") -> None:
    body = {"key": uuid4().hex, "label": label, "decision": decision, "image_ids": image_ids}
    assert site.stack.post("/api/v1/labels/decisions", body).status == 200


@pytest.fixture
def images(site: Site) -> Iterator[list[int]]:
    """Pictures without a label, and afterwards again; the groups of the test are gone."""
    asked = site.stack.post("/api/v1/search", {"image_id": 1, "k": 8, "unlabelled": True}).json()
    before = site.stack.request("GET", "/api/v1/batches?limit=1").json()["batches"][0]["id"]
    yield [row["image_id"] for row in asked["results"]]
    for batch in site.stack.request("GET", "/api/v1/batches?limit=100").json()["batches"]:
        if batch["id"] > before and batch["undoes"] is None and not batch["undone"]:
            site.stack.post(f"/api/v1/batches/{batch['id']}/undo", {"key": uuid4().hex})
    for group in site.stack.request("GET", "/api/v1/label-groups").json()["groups"]:
        site.stack.request("DELETE", f"/api/v1/label-groups/{group['id']}")


def row(page: Page, name: str) -> Any:
    return page.locator("tr[data-label]", has=page.get_by_text(name, exact=True))


def test_a_label_gets_another_name_and_colour_and_a_new_group(
    page: Page, site: Site, watch: Watch, images: list[int]
) -> None:
    watch.expected.append("400")
    say(site, "lorry", images[:2])
    page.goto(f"{site.url}/labels")
    row(page, "lorry").get_by_role("button", name="Change lorry").click()
    page.locator("#change-name").fill("sky")
    page.keyboard.press("Enter")
    expect(page.locator("#change-error")).to_contain_text("There is a label sky already")
    expect(page.locator("#change-error").get_by_role("button", name="Merge the two")).to_be_visible()
    page.locator("#change-name").fill('truck <i>& "co"')
    page.locator("#change-colour").fill("#336699")
    page.locator("#change-group").select_option("new")
    expect(page.locator("#change-new-group")).to_be_focused()
    page.keyboard.type("road")
    page.locator("#change-go").click()
    changed = row(page, 'truck <i>& "co"')
    expect(changed.locator("a.label-link")).to_be_visible()
    expect(changed.get_by_role("button", name="Change")).to_be_focused()
    now = said(site)['truck <i>& "co"']
    assert (now["colour"], now["group"], now["yes"]) == ("#336699", "road", 2)
    assert changed.locator("a.label-link").get_attribute("href") == f"/labels/{now['id']}"
    expect(page.locator("tr.group", has_text="road")).to_contain_text("one of them at most")


def test_by_keyboard_a_group_becomes_inclusive_and_is_deleted_at_the_second_press(
    page: Page, site: Site, watch: Watch, images: list[int]
) -> None:
    watch.expected.append("400")
    for name in ("wet", "cold"):
        site.stack.post("/api/v1/labels", {"name": name, "group": "weather", "exclusive": False})
        say(site, name, images[:1])
    page.goto(f"{site.url}/labels")
    heading = page.locator("tr.group", has_text="weather")
    expect(heading).to_contain_text("may be several of them")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#group-name")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#group-error")).to_contain_text("1 image is two labels of the group")
    page.locator("#group-delete").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#group-delete")).to_have_text("Delete it, keep its 2 labels")
    page.keyboard.press("Enter")
    expect(heading).to_have_count(0)
    assert said(site)["wet"]["group"] is None


def test_a_merge_says_its_numbers_first_and_is_taken_back(page: Page, site: Site, images: list[int]) -> None:
    say(site, "aeroplane", images[:4])
    say(site, "aeroplane", images[4:5], "no")
    say(site, "plane", images[:1], "no")
    page.goto(f"{site.url}/labels")
    row(page, "aeroplane").get_by_role("button", name="Merge aeroplane").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#merge-go")).to_be_disabled()
    page.keyboard.type("pla")  # a select finds its option by its name
    parts = page.locator("#merge-parts")
    expect(parts).to_contain_text("3 picturesbecome plane")
    expect(parts).to_contain_text("1 pictureis ruled out for plane")
    expect(parts).to_contain_text("1 picturecontradicts what was decided about plane, and stays as it is")
    expect(page.locator("#merge-after")).to_contain_text("aeroplane stays in the list with the 1 picture")
    assert said(site)["plane"]["yes"] == 0
    page.locator("#merge-go").click()
    toast = page.locator(".toast").filter(has_text="aeroplane merged into plane: 4 pictures, 1 contradict and stay")
    expect(toast).to_be_visible()
    assert (said(site)["plane"]["yes"], said(site)["aeroplane"]["yes"]) == (3, 1)
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").filter(has_text="aeroplane is as before")).to_be_visible()
    assert (said(site)["plane"]["yes"], said(site)["aeroplane"]["yes"]) == (0, 4)


def test_a_label_that_is_merged_whole_leaves_the_list(page: Page, site: Site, watch: Watch, images: list[int]) -> None:
    watch.expected.append("400")
    say(site, "jet", images[:2])
    page.goto(f"{site.url}/labels")
    row(page, "jet").get_by_role("button", name="Change jet").click()
    page.locator("#change-name").fill("grass")
    page.locator("#change-go").click()
    page.locator("#change-error").get_by_role("button", name="Merge the two").click()
    expect(page.locator("#merge-into")).to_have_value(str(said(site)["grass"]["id"]))
    expect(page.locator("#merge-after")).to_contain_text("its name means grass from then on")
    page.locator("#merge-go").click()
    expect(row(page, "jet")).to_have_count(0)
    page.locator(".toast").filter(has_text="jet merged").get_by_role("button", name="Undo").click()
    expect(row(page, "jet")).to_have_count(1)


def test_a_bar_is_compared_with_the_largest_label_and_tells_the_share_of_all_photos(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/labels")
    expect(page.get_by_role("columnheader", name="Of the largest")).to_be_visible()
    bar = row(page, "brick").locator(".share")
    expect(bar).to_have_attribute("title", f"{1000 / site.images():.1f} % of all photos")
    largest = max(label["yes"] for label in said(site).values())
    shares = [bar.evaluate("e => Number(e.style.getPropertyValue('--share'))")]
    page.locator("#find-label").evaluate("e => { e.value = 'brick'; e.dispatchEvent(new Event('input')); }")
    shares.append(bar.evaluate("e => Number(e.style.getPropertyValue('--share'))"))
    assert shares == [pytest.approx(1000 / largest)] * 2, "the largest there is, not the largest of those found"


def test_many_labels_are_found_by_name(page: Page, site: Site) -> None:
    for number in range(12):
        site.stack.post("/api/v1/labels", {"name": f"find me {number}"})
    page.goto(f"{site.url}/labels")
    page.locator("#find-label").fill("ME 11")
    expect(page.locator("tr[data-label]")).to_have_count(1)
    page.locator("#find-label").fill("nobody is called that")
    expect(page.locator("#labels")).to_contain_text("No such label")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_dialogs_fit_a_window_of_1024(browser: Browser, site: Site, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{site.url}/labels")
    row(page, "sky").get_by_role("button", name="Merge sky").click()
    page.locator("#merge-into").select_option(label="brick (10)")
    expect(page.locator("#merge-parts")).to_be_visible()
    box = page.locator("#merge-dialog").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1024
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    context.close()
