"""No page, in either theme, has a serious or critical fault by axe-core; a new page is found by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.routing import Rule

from catalog.artifacts import ArtifactStore
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from tests.browser import axe
from tests.browser.hunt_double import shown
from tests.browser.labelled import Labelled
from tests.browser.running import Site
from webui.app import create_app
from webui.config import WebConfig
from worker.client import Client

pytestmark = pytest.mark.browser
NO_PAGES = ("api.", "static")  # beginnings of endpoints
TABS = {"/labels/<int:label_id>": ("", "?tab=suggested", "?tab=compare")}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application, for its addresses alone: it connects to nothing."""
    room = tmp_path_factory.mktemp("addresses")
    ledger = Ledger.open(f"sqlite:///{room}/ledger.db")
    config = WebConfig(
        ledger=ledger,
        index=VectorIndex("http://127.0.0.1:9"),
        store=ArtifactStore(room / "artifacts"),
        client=Client("redis://127.0.0.1:9/0"),
        secret_key=b"a key for tests, 32 bytes long..",
        samples_dir=room,
    )
    yield create_app(config)
    ledger.close()


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


def pages(app: Flask) -> list[Rule]:
    """What may be asked for and is no part of the API."""
    rules = app.url_map.iter_rules()
    return [rule for rule in rules if "GET" in (rule.methods or ()) and not rule.endpoint.startswith(NO_PAGES)]


def addresses(app: Flask, known: dict[str, Any]) -> Iterator[str]:
    """The address of each page, with real ids."""
    for rule in pages(app):
        missing = rule.arguments - known.keys()
        assert not missing, f"{rule.rule} is new: give `known` a real {', '.join(sorted(missing))} for it"
        built = rule.build({name: known[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None, rule.rule
        for tab in TABS.get(rule.rule, ("",)):
            yield built[1] + tab


@pytest.fixture
def known(site: Site, labelled: Labelled, begin: Callable[..., str]) -> dict[str, Any]:
    """Real values for the parts of addresses."""
    encoder = site.stack.request("GET", "/api/v1/encoders").json()["encoders"][0]["id"]
    hunt = begin(labelled.name)
    example = site.stack.request("GET", f"/api/v1/hunts/{hunt}").json()["examples"][0]["id"]
    return {
        "label_id": labelled.id,
        "hunt_id": hunt,
        "image_id": 1,
        "encoder_id": encoder,
        "example_id": example,
        "sha256": "0" * 64,
        "name": "sky-5000.jpg",
    }


def test_no_page_has_a_serious_fault(themed: Page, site: Site, app: Flask, known: dict[str, Any]) -> None:
    found: dict[str, list[str]] = {}
    looked = 0
    for address in [*addresses(app, known), "/nowhere"]:
        answer = site.stack.request("GET", address)
        if not answer.body.lstrip()[:15].lower().startswith(b"<!doctype html"):
            continue  # a picture, or what a supervisor asks for
        looked += 1
        themed.goto(site.url + address)
        themed.wait_for_load_state("networkidle")
        if faults := axe.faults(themed):
            found[address] = faults
    assert looked >= 10
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
    themed.keyboard.press("?")
    expect(themed.locator("#help")).to_be_visible()
    assert axe.faults(themed) == []
    themed.keyboard.press("Escape")
    themed.get_by_label("Unlabelled only").check()
    themed.locator("#whole-offer button").first.wait_for()
    themed.keyboard.press("Control+a")
    expect(themed.locator("#whole-offer")).to_contain_text("are selected")
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
