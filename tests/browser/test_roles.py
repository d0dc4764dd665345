"""Nobody is shown a control, or has a key obeyed, that the server refuses to their role: all pages, by a browser."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from bench.other_encoder import different
from catalog.api_tokens import add_token
from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.users import ROLES, Role
from deploy.encoder_setup import set_up_encoder
from tests.browser.roles import Walk, walk_over
from tests.browser.running import Site
from tests.chromium import PATIENCE_MS
from tests.servers.processes import eventually, running
from tests.stack import Stack
from tests.webui.doors import PASSWORD, TEST, joined

pytestmark = pytest.mark.browser
ONE, TWO = ROLES[:1], ROLES[:2]  # who goes where: others than a viewer only where a role that is above theirs has most
# What has to be asked for on the way, or nothing was tried: by a viewer nothing.
ASKED: dict[Role, tuple[str, ...]] = {
    "viewer": (),
    "labeller": ("POST /labels/decisions", "POST /hunts", "DELETE /hunts/", "PATCH /label-groups/", "/undo"),
    "admin": ("/pause", "/cancel", "POST /training", "POST /encoders", "POST /sources"),
}


@dataclass(frozen=True)
class House:
    """Where people sign in; and the addresses of all pages, and who goes there."""

    url: str
    paths: dict[str, Sequence[Role]]
    picture: bytes


@pytest.fixture(scope="module")
def house(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """On a copy of the site's ledger: what is added here no worker works at, and no other test finds."""
    room = tmp_path_factory.mktemp("house")
    with closing(sqlite3.connect(site.stack.home / "ledger.db")) as old, closing(sqlite3.connect(room / "l.db")) as new:
        old.backup(new)
    given = {"RUIJI_LOGIN": "always", "RUIJI_DATABASE_URL": f"sqlite:///{room / 'l.db'}"}
    stack = Stack(home=site.stack.home, allowed_root=room, environment={**site.stack.environment, **given})
    with closing(Ledger.open(given["RUIJI_DATABASE_URL"])) as ledger:
        admin = [joined(ledger, f"a {role}", role) for role in ROLES][-1]
        _, stack.bearer = add_token(ledger, admin.id, name="furnishes", scope="admin", by=TEST)
        # Not by the page's form: a worker takes it in there, and would add it to the other ledger.
        store = ArtifactStore(str(site.stack.home / "artifacts"))
        encoder = set_up_encoder(ledger, store, different(room / "an encoder", "of the walk"))
    command = ["python", "-m", "deploy.gunicorn_server", "--bind", f"127.0.0.1:{stack.port}"]
    log = room / "web.log"
    with running(command, folder=room, log=log, environment=stack.variables()):
        eventually(lambda: answers(stack), within_s=60, log=log)
        picture = next(site.folder.glob("unlabelled/*-0.jpg")).read_bytes()
        yield House(f"http://127.0.0.1:{stack.port}", furnished(stack, encoder.id, picture), picture)


def answers(stack: Stack) -> bool:
    with suppress(OSError):
        return stack.request("GET", "/healthz").status == 200
    return False


def furnished(stack: Stack, encoder: str, picture: bytes) -> dict[str, Sequence[Role]]:
    """Add one of everything that has controls of its own; the addresses of all pages, and who goes there."""

    def ask(method: str, path: str, values: object = None) -> dict[str, Any]:
        body = None if values is None else json.dumps(values).encode()
        answer = stack.request(method, f"/api/v1{path}", body=body, headers={"Content-Type": "application/json"})
        assert answer.status < 300, (path, answer.body)
        return dict(answer.json())

    image = stack.upload(picture, k=1).json()["results"][0]["image_id"]
    label, other = (one["id"] for one in ask("GET", "/labels")["labels"][:2])
    ask("PATCH", f"/labels/{label}", {"group": "a group"})
    hunts = [
        ask("POST", "/hunts", {"label": name, "examples": [{"image_id": image, "sign": 1}]})["id"]
        for name in ("hunted", "found")
    ]
    ask("PATCH", f"/hunts/{hunts[1]}", {"finished": True})
    ask("POST", f"/encoders/{encoder}/fill", {})
    source = ask("GET", "/sources")["sources"][0]["id"]
    ask("POST", "/training", {"name": "a run", "preset": "photos", "sources": [source]})
    labels = (f"/labels/{label}?tab={tab}" for tab in ("review", "suggested", f"compare&other={other}"))
    promotion = f"/encoders?promote={encoder}"
    return {
        **dict.fromkeys(("/", f"/hunts/{hunts[1]}", *labels, "/export", "/account"), ONE),
        **dict.fromkeys((f"/?image={image}&unlabelled=1&k=30", "/hunts", f"/hunts/{hunts[0]}", "/labels"), TWO),
        **dict.fromkeys((f"/labels/{label}", "/labels/history", "/map"), TWO),
        **dict.fromkeys(("/jobs", "/encoders", promotion), ROLES),
    }


def signed_in(browser: Browser, url: str, role: Role) -> Walk:
    context = browser.new_context(viewport={"width": 1024, "height": 600}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{url}/account")
    page.get_by_label("Name").fill(f"a {role}")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who")).to_have_text(f"a {role}")
    return Walk(page)


def test_no_control_and_no_key_leads_to_what_the_role_may_not(house: House, browser: Browser) -> None:
    walks = {role: signed_in(browser, house.url, role) for role in ROLES}
    there = {path: [walks[role] for role in roles] for path, roles in house.paths.items()}
    walk_over(house.url, there, picture=house.picture)
    for walk in walks.values():
        walk.page.context.close()
    assert {role: walk.refused for role, walk in walks.items()} == {role: [] for role in ROLES}
    assert walks["viewer"].changing == set(), "refused or not, who asks for it does more than look"
    for role, asked in ASKED.items():
        assert [part for part in asked if not any(part in one for one in walks[role].changing)] == [], role
        assert sum(map(len, walks[role].pressed.values())) > 20, role
