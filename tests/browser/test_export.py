"""The export page: what is chosen is stated, downloaded, and what the labels say; by mouse and by keyboard."""

from __future__ import annotations

import csv
import hashlib
import http.client
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.running import Site
from tests.stack import ROOT

pytestmark = pytest.mark.browser


def opened(page: Page, site: Site, query: str = "") -> Page:
    page.goto(f"{site.url}/export{query}")
    page.locator("#export-download[href]").wait_for()
    return page


def test_by_mouse_an_imagefolder_is_stated_and_downloaded(page: Page, site: Site, tmp_path: Path) -> None:
    opened(page, site)
    page.get_by_label("All labels").uncheck()
    page.locator("#export-labels .boxes label", has_text="sky").get_by_role("checkbox").check()
    plan = page.locator("#export-plan")
    expect(plan).to_contain_text("10 photos with 10 decisions about 1 label")
    expect(page.locator("#export-download")).to_have_text("Download ruiji-imagefolder.zip")
    with page.expect_download() as began:
        page.locator("#export-download").click()
    expect(page.locator(".toast")).to_contain_text("The download has begun")
    began.value.save_as(tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        photos = {hashlib.sha256(archive.read(name)).digest() for name in archive.namelist() if name.startswith("sky/")}
    assert photos == {
        hashlib.sha256(path.read_bytes()).digest() for path in (site.folder / "labelled" / "sky").iterdir()
    }


def test_by_keyboard_a_csv_with_what_was_rejected(page: Page, site: Site, tmp_path: Path) -> None:
    body = {"key": uuid4().hex, "label": "sky", "decision": "no", "image_ids": [1]}
    batch = site.stack.post("/api/v1/labels/decisions", body).json()["batch"]
    opened(page, site)
    page.get_by_role("radio", name="ImageFolder A folder").focus()
    expect(page.locator("#rejected")).to_be_disabled()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="CSV")).to_be_checked()
    page.locator("#rejected").focus()
    before = page.locator("#export-plan strong").inner_text()
    page.keyboard.press("Space")
    page.locator("#export-download[href*=rejected]").focus()
    assert before.endswith("photos")
    with page.expect_download() as began:
        page.keyboard.press("Enter")
    began.value.save_as(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert ("1", "sky", "no") in {(row["image_id"], row["label"], row["state"]) for row in rows}
    site.stack.post(f"/api/v1/batches/{batch}/undo", {"key": uuid4().hex})


def test_the_choice_is_in_the_address_and_nothing_is_offered_without_a_label(page: Page, site: Site) -> None:
    opened(page, site)
    page.get_by_role("radio", name="Parquet").check()
    page.get_by_label("brick").uncheck()
    expect(page.locator("#export-download")).to_have_text("Download ruiji-parquet.parquet")
    page.reload()
    page.locator("#export-download[href]").wait_for()
    expect(page.get_by_role("radio", name="Parquet")).to_be_checked()
    expect(page.get_by_label("brick")).not_to_be_checked()
    everything = page.get_by_label("All labels")
    expect(everything).to_have_js_property("indeterminate", True)
    everything.check()
    everything.uncheck()
    expect(page.locator("#export-plan")).to_have_text("Choose at least one label.")
    expect(page.locator("#export-download")).to_have_attribute("aria-disabled", "true")
    assert page.locator("#export-download").get_attribute("href") is None


def test_of_very_many_labels_any_choice_is_stated_and_downloaded(page: Page, site: Site) -> None:
    found = site.stack.request("GET", "/api/v1/labels").json()["labels"]
    made = [{**found[0], "id": 10_000 + n, "name": f"made up {n}", "yes": 0} for n in range(1400)]
    page.route("**/api/v1/labels", lambda route: route.fulfill(json={"labels": [*found, *made]}))
    opened(page, site)
    boxes = page.locator("#export-labels .boxes input")
    # Every second one of those made up is left out, whatever labels other tests have made: naming them is the shorter.
    boxes.evaluate_all("(boxes, n) => boxes.slice(n).forEach((box, at) => { if (at % 2) box.click(); })", len(found))
    page.locator("#export-download[href*=without]").wait_for()
    expect(page.locator("#export-plan")).to_contain_text("photos with")
    address = page.locator("#export-download").get_attribute("href") or ""
    answer = page.request.get(site.url + address)
    assert answer.status == 200, answer.text()[:200]
    before = boxes.evaluate_all("boxes => boxes.map((box) => box.checked)")
    assert before.count(False) > 690
    page.reload()
    page.locator("#export-download[href]").wait_for()
    assert boxes.evaluate_all("boxes => boxes.map((box) => box.checked)") == before


def test_the_command_does_the_same(page: Page, site: Site, tmp_path: Path) -> None:
    name = 'it\'s -- a "label" $HOME'
    body = {"key": uuid4().hex, "label": name, "decision": "yes", "image_ids": [1]}
    batch = site.stack.post("/api/v1/labels/decisions", body).json()["batch"]
    made = next(row for row in site.stack.request("GET", "/api/v1/labels").json()["labels"] if row["name"] == name)
    opened(page, site, f"?format=coco&label={made['id']}")
    words = shlex.split(page.locator("#export-command").inner_text())
    assert words[:3] == [f"RUIJI_HOME={site.stack.home}", "ruiji", "export"]
    assert name in words
    command = [sys.executable, "-P", "-m", "ruiji", *words[2:-1], str(tmp_path / words[-1])]
    done = subprocess.run(command, env=site.stack.variables() | {"PYTHONPATH": str(ROOT)}, check=False, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "ruiji-coco.json").is_file()
    site.stack.post(f"/api/v1/batches/{batch}/undo", {"key": uuid4().hex})


def test_a_download_comes_in_chunks_whose_end_is_marked(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.stack.port, timeout=30)
    connection.request("GET", "/api/v1/export?format=imagefolder")
    answer = connection.getresponse()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Length"] is None
    assert answer.read().startswith(b"PK")
    connection.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_fits_a_window_of_1024(browser: Browser, site: Site, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    page = opened(context.new_page(), site)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    box = page.locator("#export-download").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 768, "seen without scrolling"
    context.close()
