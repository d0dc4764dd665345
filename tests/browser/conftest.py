"""A browser and one running Ruiji for the page's tests; every test ends with no console error and no CSP violation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.addresses import MISSING, addresses, unconnected
from tests.browser.labelled import Labelled
from tests.browser.running import LASTING_TOASTS, REPORT_VIOLATIONS, Site, Watch
from tests.chromium import PATIENCE_MS
from tests.photos import KINDS, jpeg, scene, write_folder
from tests.stack import Stack

LABELLED = 10  # of each kind
UNLABELLED = 60  # of each kind


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Ruiji as `ruiji up` starts it; asks for the browser first, so that nothing starts where there is none."""
    room = tmp_path_factory.mktemp("browser")
    write_folder(room / "photos" / "labelled", per_kind=LABELLED, labelled=True)
    write_folder(room / "photos" / "unlabelled", per_kind=UNLABELLED, labelled=False, first_seed=1000)
    samples = room / "home" / "samples"
    samples.mkdir(parents=True)
    for kind in KINDS:
        for seed in (5000, 5001):
            (samples / f"{kind}-{seed}.jpg").write_bytes(jpeg(scene(kind, seed)))
    stack = Stack(home=room / "home", allowed_root=room / "photos")
    stack.start(timeout_s=180)
    try:
        for name, labelled in (("labelled", True), ("unlabelled", False)):
            stack.wait_job(stack.ingest(room / "photos" / name, labels_from_folders=labelled))
        yield Site(stack=stack, folder=room / "photos")
    finally:
        stack.stop()
        left = stack.wait_gone()
    assert not left, f"ruiji up left processes behind: {left}"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser with nothing stored: dark, 1440 × 900."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(LASTING_TOASTS)
    context.add_init_script(REPORT_VIOLATIONS)
    yield context
    context.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Iterator[Page]:
    """A page whose complaints are collected, and are none at the end."""
    page = context.new_page()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" or "preload" in message.text:
            watch.complaints.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", note)
    page.on("pageerror", lambda error: watch.complaints.append(str(error)))
    yield page
    assert watch.unexpected() == []


@pytest.fixture
def results(page: Page, site: Site) -> Callable[[], Page]:
    """Opens the page and searches by the first picture to try."""

    def search() -> Page:
        page.goto(site.url)
        page.locator(".sample").first.click()
        page.locator(".tile").first.wait_for()
        return page

    return search


@pytest.fixture
def begin(site: Site) -> Iterator[Callable[..., str]]:
    """Begins a hunt for a label, by the first unlabelled picture of sky, and gives its id.

    Afterwards there is no hunt, and what was decided is taken back: other tests count what has no label.
    """
    stack = site.stack
    sky = next(site.folder.glob("unlabelled/*-0.jpg")).read_bytes()
    first = stack.upload(sky, k=1).json()["results"][0]["image_id"]

    def hunt(label: str, *, sign: int = 1) -> str:
        made = stack.post("/api/v1/hunts", {"label": label, "examples": [{"image_id": first, "sign": sign}]})
        assert made.status == 201, made.body
        return str(made.json()["id"])

    with taking_back(stack):
        yield hunt
    for left in stack.request("GET", "/api/v1/hunts?limit=100").json()["hunts"]:
        stack.request("DELETE", f"/api/v1/hunts/{left['id']}")


@pytest.fixture
def labelled(site: Site) -> Iterator[Labelled]:
    """A label with wrong pictures in it; what is decided in the test is taken back after it."""
    made = Labelled(site, f"above {uuid4().hex[:6]}")
    with taking_back(site.stack):
        made.make()
        yield made


@pytest.fixture
def every_page(site: Site, labelled: Labelled, begin: Callable[..., str], tmp_path: Path) -> list[str]:
    """The address of each page, with a label and a hunt that hold pictures."""
    encoder = site.stack.request("GET", "/api/v1/encoders").json()["encoders"][0]["id"]
    hunt = begin(labelled.name)
    example = site.stack.request("GET", f"/api/v1/hunts/{hunt}").json()["examples"][0]["id"]
    known = {
        "label_id": labelled.id,
        "hunt_id": hunt,
        "image_id": 1,
        "encoder_id": encoder,
        "example_id": example,
        "sha256": "0" * 64,
        "name": "sky-5000.jpg",
    }

    def is_page(address: str) -> bool:
        """No picture, and nothing that a supervisor asks for."""
        begins = site.stack.request("GET", address).body.lstrip()[:15]
        return begins.lower() == b"<!doctype html>"

    with unconnected(tmp_path) as app:
        found = [address for address in [*addresses(app, known), MISSING] if is_page(address)]
    assert len(found) >= 10
    return found


@contextlib.contextmanager
def taking_back(stack: Stack) -> Iterator[None]:
    """Undoes what was decided within: other tests count what has no label."""

    def batches() -> list[dict[str, Any]]:
        return list(stack.request("GET", "/api/v1/batches?limit=100").json()["batches"])

    before = {batch["id"] for batch in batches()}
    yield
    for batch in batches():
        if batch["id"] not in before and batch["kind"] in ("decide", "review") and not batch["undone"]:
            stack.post(f"/api/v1/batches/{batch['id']}/undo", {"key": f"after the test {batch['id']}"})
