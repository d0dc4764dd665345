"""Answers requests about hunts as the API would, with pictures of the real server, in the steps that a test wants."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route

from tests.browser.running import Site

HUNT_ID = "hunt-of-a-test-0123456"
ESTIMATE = {
    "remaining": 60, "low": 40, "high": 110, "recall": 0.87, "recall_low": 0.79, "recall_high": 0.91,
    "advice": "go_on", "text": "Found about 87 % (79–91 %), about 60 remain.",
}  # fmt: skip
Step = Callable[["Double"], dict[str, Any]]


@dataclass
class Double:
    """One hunt. `steps` makes each next step of it; the last of them is made again and again."""

    pictures: list[dict[str, Any]]
    steps: list[Step]
    examples: list[dict[str, Any]] = field(default_factory=list)
    decided: dict[int, str] = field(default_factory=dict)
    batches: list[list[int]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)  # bodies of decisions and accepts, repeated ones too
    keys: set[str] = field(default_factory=set)
    finished_at: float | None = None
    deleted: bool = False
    refuse: list[tuple[int, str]] = field(default_factory=list)  # statuses and codes for the next decisions
    made: dict[str, Any] | None = None
    turn: int = 0
    checks: int = 30  # pictures of a random check
    label: dict[str, Any] = field(default_factory=lambda: {"id": 9001, "name": "plane", "colour": "#6db3ff"})

    def open(self) -> list[dict[str, Any]]:
        """The pictures that nobody has decided."""
        return [one for one in self.pictures if one["image_id"] not in self.decided]

    def hunt(self) -> dict[str, Any]:
        """The hunt's document."""
        return {
            "id": HUNT_ID, "label": self.label, "name": None, "author": "tester", "version": 1, "created_at": 1.7e9,
            "updated_at": 1.7e9, "finished_at": self.finished_at, "examples": self.examples, **self.counts(),
        }  # fmt: skip

    def counts(self) -> dict[str, int]:
        """What was found and rejected."""
        decided = list(self.decided.values())
        return {"found": decided.count("yes"), "rejected": decided.count("no")}

    def example(self, image_id: int, sign: int) -> None:
        """Add an example, or change its sign."""
        self.examples = [one for one in self.examples if one["image_id"] != image_id]
        self.examples.append(
            {
                "id": 100 + image_id, "sign": sign, "kind": "image", "image_id": image_id, "there": True,
                "thumbnail": f"/thumbnail/{image_id}",
            }
        )  # fmt: skip

    def step(self) -> dict[str, Any]:
        """The next step."""
        made: dict[str, Any] = {
            "kind": "page", "token": f"token-{self.turn}", "encoder": "e1", "took_ms": {"total": 31.0}, "results": [],
            "cut": None, "line": False, "run": 0, "count": 0, "wrong": 0.0, "checked": 0, **self.counts(),
        }  # fmt: skip
        return {**made, **self.steps[min(self.turn, len(self.steps) - 1)](self)}

    def batch(self, body: dict[str, Any], decided: dict[int, str]) -> dict[str, Any]:
        """Record a batch once."""
        repeated = body["key"] in self.keys
        if not repeated:
            self.keys.add(body["key"])
            self.decided.update(decided)
            self.batches.append(list(decided))
            self.turn += 1
        number = len(self.batches) if decided else None
        return {
            "batch": number, "applied": len(decided), "unchanged": 0, "repeated": repeated, **self.counts(),
        }  # fmt: skip

    def answer(self, route: Route) -> None:
        """Answer one request."""
        request = route.request
        path = urlsplit(request.url).path.removeprefix("/api/v1")
        typed = request.headers.get("content-type", "").startswith("application/json")
        body = json.loads(request.post_data or "{}") if typed else {}
        status, found = self.reply(request.method, path, body)
        if status == 204:
            route.fulfill(status=204)
        else:
            route.fulfill(status=status, content_type="application/json", body=json.dumps(found))

    def reply(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """The status and the document for one request."""
        if path == "/hunts":
            if method == "GET":
                return 200, {"hunts": [] if self.deleted or self.made is None else [self.hunt()]}
            self.made = body
            return 201, self.hunt()
        if undone := re.fullmatch(r"/batches/(\d+)/undo", path):
            ids = self.batches[int(undone[1]) - 1]
            for image_id in ids:
                self.decided.pop(image_id, None)
            self.turn = max(0, self.turn - 1)
            return 200, {"batch": 1000, "applied": len(ids), "unchanged": 0, "images": len(ids), "repeated": False}
        if self.deleted:
            return 404, error("unknown_hunt", "There is no such hunt.")
        match method, path.removeprefix(f"/hunts/{HUNT_ID}"):
            case "GET", "":
                return 200, self.hunt()
            case "PATCH", "":
                self.finished_at = 1.7e9 if body["finished"] else None
                return 200, self.hunt()
            case "DELETE", "":
                self.deleted = True
                return 204, None
            case "POST", "/examples":
                self.example(body.get("image_id", self.pictures[-1]["image_id"]), body.get("sign", 1))
                return 201, self.hunt()
            case "DELETE", _:
                self.examples = [one for one in self.examples if not path.endswith(f"/{one['id']}")]
                return 200, self.hunt()
            case "POST", "/step":
                if not self.examples and not self.decided:
                    return 409, error("no_examples", "This hunt has no example to go by.")
                return 200, self.step()
            case "POST", "/check":
                return 200, {**self.step(), "kind": "check", "results": self.open()[: self.checks], "cut": None}
            case "GET", "/estimate":
                return 200, {"estimate": ESTIMATE}
            case "POST", "/decisions":
                self.sent.append(body)
                if self.refuse:
                    refused, code = self.refuse.pop(0)
                    return refused, error(code, "Refused by a test.")
                return 200, self.batch(body, dict.fromkeys(body["yes"], "yes") | dict.fromkeys(body["no"], "no"))
            case "POST", "/accept":
                self.sent.append(body)
                run = {one["image_id"]: "yes" for one in self.open()[:20]} if body["accept"] else {}
                return 200, self.batch(body, run)
        raise AssertionError(f"no answer to {method} {path}")


def error(code: str, message: str) -> dict[str, Any]:
    """A refusal as the API words it."""
    return {"error": {"code": code, "message": message}}


def best(many: int, *, cut: int | None = None, kind: str = "page", run: int = 0) -> Step:
    """A step with the next best pictures."""
    return lambda double: {"kind": kind, "results": double.open()[:many], "cut": cut, "run": run}


def double(page: Page, site: Site, *steps: Step, k: int = 150) -> Double:
    """A hunt that answers on this page instead of the server, over the pictures nearest to image 1."""
    found = site.stack.post(f"/api/v1/search?k={k}", {"image_id": 1}).json()["results"]
    made = Double(pictures=[{**one, "labels": [], "suggestion": None} for one in found], steps=list(steps))
    made.example(1, 1)
    page.route(re.compile(r"/api/v1/(hunts|batches/\d+/undo)"), made.answer)
    return made


def visit(page: Page, site: Site, kind: str = "page") -> None:
    """Open the hunt and wait for its step."""
    page.goto(f"{site.url}/hunts/{HUNT_ID}")
    shown(page, kind)


def shown(page: Page, kind: str = "page") -> None:
    """Wait for a step, and until a person may have seen it: keys pressed sooner are meant for the one before."""
    page.locator(f'#main[data-step="{kind}"]').wait_for()
    page.wait_for_timeout(320)
