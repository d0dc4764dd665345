"""The page where people sign in: from the printed link to a label that says whose it is, in real browsers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import axe
from tests.browser.conftest import taking_back
from tests.browser.running import LASTING_TOASTS, REPORT_VIOLATIONS, Site
from tests.browser.screen import image_ids
from tests.browser.widths import outside_at_all_widths
from tests.chromium import PATIENCE_MS
from tests.servers.processes import eventually, running
from tests.stack import free_port

pytestmark = pytest.mark.browser
PASSWORD = "a long walk in the rain"
PICTURES = os.environ.get("RUIJI_DOOR_PICTURES", "")  # a folder for screenshots, if they are wanted


@pytest.fixture
def door(site: Site, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A second page of the same installation, where people sign in: its address, and the link that it printed."""
    port, log = free_port(), tmp_path / "web.log"
    environment = {**site.stack.variables(), "RUIJI_LOGIN": "always"}
    command = ["python", "-m", "deploy.gunicorn_server", "--bind", f"127.0.0.1:{port}"]
    with running(command, folder=tmp_path, log=log, environment=environment):
        eventually(lambda: "/first?code=" in log.read_text(), within_s=60, log=log)
        found = re.search(rf"http://127\.0\.0\.1:{port}/first\?code=[\w-]+", log.read_text())
        assert found
        yield f"http://127.0.0.1:{port}", found[0]


@pytest.fixture
def somebody(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the browser of one more person; a page that breaks a rule of its own says so and fails the test."""
    opened, complaints = [], list[str]()

    def open_one(theme: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(LASTING_TOASTS)
        context.add_init_script(REPORT_VIOLATIONS)
        context.add_init_script(axe.source())
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "CSP" in said.text else None)
        return page

    yield open_one
    for context in opened:
        context.close()
    assert complaints == []


def looked_at(page: Page, name: str) -> None:
    """No serious fault for people who cannot see, nothing out of a narrow window; a screenshot if they are wanted."""
    assert axe.faults(page) == [], name
    assert outside_at_all_widths(page) == [], name
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def choose_password(page: Page, *, name: str = "") -> None:
    if name:
        page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.keyboard.press("Enter")


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def label_first(page: Page, label: str) -> int:
    """Search by a picture to try, and confirm a label for the fourth result."""
    page.locator(".sample").first.click()
    page.locator(".tile").first.wait_for()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="3"]').click()
    page.locator("#label-input").fill(label)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    return image_ids(page)[3]


def author_of(site: Site, label: str) -> str:
    """Who has decided last about a label; nobody while nothing was decided."""
    batches = site.stack.request("GET", "/api/v1/batches?limit=20").json()["batches"]
    authors = (str(one["author"]) for one in batches if any(part["label"] == label for part in one["parts"]))
    return next(authors, "")


def test_from_the_printed_link_to_a_label_that_is_somebodys(
    door: tuple[str, str], somebody: Callable[..., Page], site: Site
) -> None:
    url, first = door
    anna, bob = somebody("dark"), somebody("light")
    anna.goto(first)
    looked_at(anna, "first")
    choose_password(anna, name="Anna")
    expect(anna.locator(".who")).to_have_text("Anna")
    bob.goto(first)
    expect(bob.locator("h1")).to_have_text("Gone")

    anna.get_by_role("link", name="Users").click()
    anna.wait_for_url(f"{url}/users")  # loaded: sooner, the browser itself would send the form
    anna.get_by_label("New user").fill("Bob")
    anna.get_by_role("button", name="Add").click()
    invitation = anna.locator("#user-link input").input_value()
    expect(anna.locator('[data-user="Bob"] .state')).to_have_text("invited")
    anna.get_by_label("What the token is for").fill("nightly export")
    anna.get_by_role("button", name="Make").click()
    assert anna.locator("#token-secret input").input_value().startswith("ruiji_")
    expect(anna.locator("#audit")).to_contain_text("token added")
    anna.get_by_label("What the token is for").fill("a script of Bob's")
    anna.get_by_label("Owner").select_option("Bob")
    anna.get_by_role("button", name="Make").click()
    bobs = anna.locator("#tokens tr", has_text="a script of Bob's")
    expect(bobs.get_by_role("button", name="Revoke")).to_be_visible()
    looked_at(anna, "users")

    bob.goto(invitation)
    looked_at(bob, "join")
    choose_password(bob)
    expect(bob.locator(".who")).to_have_text("Bob")
    expect(bob.get_by_role("link", name="Users")).to_have_count(0)
    assert bob.goto(f"{url}/users").status == 403  # type: ignore[union-attr]
    expect(bob.locator("main")).to_contain_text("needs the role admin")
    bob.goto(f"{url}/account")
    looked_at(bob, "account")

    with taking_back(site.stack):
        bob.goto(url)
        label_first(bob, "of Bob")
        expect(bob.locator(".toast")).to_contain_text("labelled of Bob")
        assert author_of(site, "of Bob") == "Bob"

        anna.locator('[data-user="Bob"]').get_by_role("button", name="Shut out").click()
        expect(anna.locator('[data-user="Bob"] .state')).to_have_text("shut out")
        expect(bobs.locator(".state")).to_have_text("revoked")
        bob.goto("about:blank")
        bob.goto(f"{url}/hunts")
        looked_at(bob, "login")
        sign_in(bob, "Bob")
        expect(bob.locator(".form-error")).to_contain_text("do not go together")
        anna.locator('[data-user="Bob"]').get_by_role("button", name="Let in").click()
        expect(anna.locator('[data-user="Bob"] .state')).to_have_count(0)
        sign_in(bob, "Bob")
        expect(bob).to_have_url(f"{url}/hunts")

        # Signed out with a page open: what he decides there waits until he has signed in again, and is his.
        bob.goto(url)
        bob.locator(".sample").first.wait_for()
        again = bob.context.new_page()
        again.goto(f"{url}/account")
        again.get_by_role("button", name="Sign out").click()
        expect(again.locator("h1")).to_have_text("Sign in")
        bob.evaluate(
            """() => import("/static/js/search/outbox.js").then(({ send }) => {
              send("/labels/decisions", { label: "after all Bob's", decision: "yes", image_ids: [1] });
            })"""
        )
        expect(bob.locator(".toast", has_text="You are signed out")).to_be_visible()
        sign_in(again, "Bob")
        expect(bob.locator(".toast", has_text="You are signed out")).to_have_count(0)
        eventually(lambda: author_of(site, "after all Bob's") == "Bob", within_s=40)

        # What somebody whose name goes on where his ends has not sent yet is theirs; what was nobody's is his. Of what
        # was saved as nobody's, and the answer lost, he is told nothing bad, and its undo is sent.
        answered = {"key": "key unheard", "label": "unheard", "decision": "yes", "image_ids": [2]}
        saved = site.stack.post("/api/v1/labels/decisions", answered).json()["batch"]
        bob.evaluate(
            """() => {
              const id = document.querySelector('meta[name="ruiji-installation"]').content;
              const kept = [["@Bob.by", "by Bobby"], ["", "unheard", "its undo"], ["", "of no user"]];
              for (const [owner, label, undo] of kept) {
                const json = { key: `key ${label}`, label, decision: "yes", image_ids: [2] };
                const entry = JSON.stringify({ path: "/labels/decisions", json, undo, at: 1 });
                localStorage.setItem(`ruiji.outbox.${id}${owner}.${json.key}`, entry);
              }
            }"""
        )
        bob.goto(url)
        eventually(lambda: author_of(site, "of no user") == "Bob", within_s=40)
        expect(bob.locator(".toast", has_text="2 decisions from before now saved")).to_be_visible()
        expect(bob.locator(".toast.bad")).to_have_count(0)
        batches = {one["id"]: one for one in site.stack.request("GET", "/api/v1/batches?limit=20").json()["batches"]}
        assert (batches[saved]["author"], batches[saved]["undone"]) == ("local", True)
        bob.wait_for_load_state("networkidle")
        assert bob.evaluate("Object.keys(localStorage).filter((n) => n.includes('outbox')).length") == 1
        assert b"by Bobby" not in site.stack.request("GET", "/api/v1/labels").body
