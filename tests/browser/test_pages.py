"""Jobs, labels, history and encoders; both themes; widths; the rules that hold on every page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.running import REPORT_VIOLATIONS, Site, Watch
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser
# Of an element's own cells, as drawn: opacity mixes the colour of the text with the one behind it.
LEAST_CONTRAST = """row => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (e) => {
    const colour = parts(getComputedStyle(e).backgroundColor);
    return colour[3] === 0 ? behind(e.parentElement) : colour;
  };
  const opacity = (e) => (e ? Number(getComputedStyle(e).opacity) * opacity(e.parentElement) : 1);
  return Math.min(...[...row.querySelectorAll("td")].map((cell) => {
    const [back, ink, share] = [behind(cell), parts(getComputedStyle(cell).color), opacity(cell)];
    const [a, b] = [light(ink.map((c, n) => share * c + (1 - share) * back[n])), light(back)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
}"""
READ_MS = 120_000  # nine files, perhaps by a machine that is busy
# At one moment: it is drawn anew again and again.
BETWEEN = """place => {
  const [said, rate] = [".cut-text", ".rate"].map((part) => place.querySelector(part).getBoundingClientRect());
  return rate.left - said.right;
}"""
PATHS = (
    "/",
    "/hunts",
    "/jobs",
    "/labels",
    "/labels/1",
    "/labels/1?tab=compare",
    "/labels/history",
    "/export",
    "/map",
    "/encoders",
)


def test_a_folder_is_added_on_the_page_and_its_bad_file_is_named(page: Page, site: Site) -> None:
    folder = site.folder / "added"
    folder.mkdir()
    for seed in range(8):
        (folder / f"{seed}.jpg").write_bytes(jpeg(scene("grass", 8000 + seed)))
    (folder / "torn.jpg").write_bytes(jpeg(scene("sky", 8100))[:700])
    page.goto(f"{site.url}/jobs")
    page.locator("#browse").click()
    page.locator("#folder-browser button", has_text=re.compile("photos")).click()
    page.locator("#folder-browser button", has_text="added").click()
    expect(page.locator("#folder-path")).to_have_value(str(folder))
    page.locator("#add-folder").get_by_role("button", name="Add").click()
    job = page.locator(".job", has=page.get_by_role("heading", name="added"))
    expect(page.locator("#folder-browser")).to_be_hidden()
    expect(page.locator("#browse")).to_have_attribute("aria-expanded", "false")
    expect(job.locator(".state")).to_have_text("Done", timeout=READ_MS)
    expect(job.locator(".figures")).to_contain_text("9 of 9 done")
    expect(job.locator(".figures")).to_contain_text("8 new")
    expect(job.locator("progress")).to_have_js_property("value", 9)
    job.get_by_role("button", name="Show").click()
    expect(job.locator(".bad-files")).to_contain_text("torn.jpg")
    reason = job.locator(".bad-files td").nth(1).inner_text()
    assert len(reason) > 5
    for _ in range(2):  # the first answer is shown when the second is there
        with page.expect_response("**/api/v1/jobs?*"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # asks again at once
    expect(job.get_by_role("button", name="Hide")).to_be_focused()


def test_a_folder_outside_the_allowed_roots_is_refused_with_the_remedy(page: Page, site: Site, watch: Watch) -> None:
    page.goto(f"{site.url}/jobs")
    watch.expected.append("403")
    page.locator("#folder-path").fill("/etc")
    page.locator("#add-folder").get_by_role("button", name="Add").click()
    expect(page.locator("#folder-error")).to_contain_text("RUIJI_ALLOWED_ROOTS changes that")


def test_labels_show_their_counts_and_take_a_new_one(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/labels")
    expect(page.locator("tbody tr", has_text="brick")).to_contain_text("10")
    page.locator("#new-label-name").fill('<b>bold</b> & "quoted"')
    page.keyboard.press("Enter")
    expect(page.locator("tbody")).to_contain_text('<b>bold</b> & "quoted"')
    assert page.locator("tbody b").count() == 0


def test_history_undoes_a_batch(results: Callable[[], Page], site: Site) -> None:
    page = results()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="9"]').click()
    page.locator("#label-input").fill("from history")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("labelled from history")
    page.goto(f"{site.url}/labels/history")
    row = page.locator("tbody tr", has_text="from history").first
    row.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Undone")
    undone = page.locator("tbody tr.undone", has_text="from history").last
    expect(undone.get_by_role("button", name="Redo")).to_be_focused()
    page.mouse.move(0, 0)  # a row under the pointer has a colour of its own
    assert undone.evaluate(LEAST_CONTRAST) >= 4.5, "WCAG AA"


def test_encoders_mark_the_one_that_serves(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/encoders")
    expect(page.locator("tbody tr").first.locator(".state")).to_have_text("serving")
    name = page.locator("tbody .with-dot").first.inner_text().split("\n")[0].strip()
    expect(page.locator("#serving")).to_contain_text(name)


def test_a_page_that_does_not_exist_leads_back(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("404")
    page.goto(f"{site.url}/nowhere")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="Back to search").click()
    expect(page.locator("#drop-zone")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_theme_follows_the_system_until_one_is_chosen(browser: Browser, site: Site, theme: str) -> None:
    other = {"dark": "light", "light": "dark"}[theme]
    context = browser.new_context(color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(site.url)
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", theme)
    before = root.evaluate("e => getComputedStyle(e).backgroundColor")
    page.locator("#theme-toggle").click()
    expect(root).to_have_attribute("data-theme", other)
    assert root.evaluate("e => getComputedStyle(e).backgroundColor") != before
    page.goto(f"{site.url}/jobs")
    expect(root).to_have_attribute("data-theme", other)
    context.close()


def test_nothing_is_wider_than_a_window_of_1024(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    for path in PATHS:
        page.goto(site.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1024, path
    page.goto(site.url)
    page.locator(".sample").first.click()
    page.locator(".tile").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    bar = page.locator("#confirm-bar").bounding_box()
    assert bar and bar["x"] >= 0 and bar["x"] + bar["width"] <= 1024
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_every_page_has_a_name_for_each_control(page: Page, site: Site, path: str) -> None:
    page.goto(site.url + path)
    page.wait_for_load_state("networkidle")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input:not([hidden]), select")]
          .filter((e) => e.checkVisibility() && !e.textContent.trim() && !e.getAttribute("aria-label")
            && !e.labels?.length)
          .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    assert (
        page.locator("[style]").evaluate_all(
            "found => found.filter((e) => [...e.style].some((name) => !name.startsWith('--'))).map((e) => e.outerHTML)"
        )
        == []
    )
    assert page.locator("h1").count() == 1


def test_an_ingest_that_has_just_begun_is_told_without_a_rate(page: Page, site: Site) -> None:
    job = {"state": "running", "source": "photos", "total": 50, "done": 0, "images_per_s": None}

    def begun(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "jobs": [job]})

    page.route("**/api/v1/status", begun)
    page.goto(f"{site.url}/export")
    expect(page.locator("#running")).to_have_text("Ingest photos · 0 %")


def test_an_ingest_is_told_in_the_header_and_before_the_first_search(page: Page, site: Site) -> None:
    job = {"state": "running", "source": "photos", "total": 12_000, "done": 64, "images_per_s": 120.0}

    def under_way(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        route.fulfill(response=answer, json={**found, "jobs": [job], "counts": {**found["counts"], "images": 64}})

    page.route("**/api/v1/status", under_way)
    page.goto(site.url)
    expect(page.locator("#running .rate")).to_have_text("· 120/s")
    assert 2 < page.locator("#running").evaluate(BETWEEN) < 6, "as wide as a space"
    expect(page.locator("#empty-count")).to_have_text("64 photos")
    expect(page.locator("#empty-coming")).to_contain_text("More photos are coming in from photos: 64 of 12,000 files")
    page.unroute("**/api/v1/status")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # asks again at once
    expect(page.locator("#empty-coming")).to_be_hidden()
