"""What somebody with a role can do on a page: every key, every control that is to be had, a picture dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Page, Request, Response

from tests.browser.screen import hand_over

# All at once; what that brings into sight is for the next round. Links are followed by the walk itself, and the chooser
# of files is a window that no page can close.
PRESS = """
() => {
  const usable = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !one.dataset.choose
    && !one.dataset.pressed && !one.closest("header.bar");
  const found = [...document.querySelectorAll("button, select, summary, input:not([type=file])")].filter(usable);
  for (const one of found) {
    one.dataset.pressed = "yes";
    if (one.matches("[type=text], [type=number]")) one.value ||= one.type === "number" ? "1" : "anything";
    if (!one.matches("select")) one.click();
    else if (one.selectedIndex >= 0) {
      one.selectedIndex = (one.selectedIndex + 1) % one.options.length;
      one.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  return found.map((one) => one.id || one.className || one.type);
}
"""
KEYS = (
    *("Escape", "ArrowRight", "Space", "x", "i", "1", "Enter", "l", "Escape", "Enter", "h", "n", "a", "z", "u"),
    *("Control+a", "Control+a", "Control+a", "Control+z", "Enter"),
)
ROUNDS = 4  # what a control opens has controls of its own
STEP_MS, QUIET_MS, MOST_MS = 10, 60, 3000
# What is asked for to be shown goes through. All else is asked without the page's token: who may not is refused before
# that is missed, and who may changes nothing.
SHOWING = r"\/(search|matches|step|check|above|plan|images|compare)$"
WITHOUT_TOKEN = f"""
{{
  const send = window.fetch;
  window.fetch = (address, request = {{}}) => {{
    if (!/{SHOWING}/.test(String(address).split("?")[0])) delete request.headers?.["X-CSRF-Token"];
    return send(address, request);
  }};
}}
"""


@dataclass
class Walk:
    """One role's page: what was pressed at each address, what was asked for by that, and what the server refused."""

    page: Page
    refused: list[str] = field(default_factory=list)
    pressed: dict[str, set[str]] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    under_way: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", self._begun)
        self.page.on("requestfinished", self._ended)
        self.page.on("requestfailed", self._ended)
        self.page.on("response", self._note)
        self.page.add_init_script(WITHOUT_TOKEN)

    def arrive(self, address: str) -> None:
        """Open the page."""
        self.page.goto(address, wait_until="commit")
        self.under_way.clear()  # what the page before has asked for ends with it, without a word
        self.page.wait_for_load_state("domcontentloaded")

    def type(self, picture: bytes) -> None:
        """Press every key that does something on some page, then drop a picture."""
        for key in KEYS:
            self.page.keyboard.press(key)
        hand_over(self.page, picture, how="drop")

    def press(self, path: str) -> bool:
        """Press all that was not pressed yet; whether there was anything."""
        now = set(self.page.evaluate(PRESS))
        self.pressed.setdefault(path, set()).update(now)
        return bool(now)

    def _begun(self, request: Request) -> None:
        self.under_way.add(request)
        path = request.url.partition("?")[0].partition("/api/v1")[2]
        if request.method != "GET" and not re.search(SHOWING, path):
            self.changing.add(f"{request.method} {path}")

    def _ended(self, request: Request) -> None:
        self.under_way.discard(request)

    def _note(self, answer: Response) -> None:
        if answer.status == 403:
            self.refused.append(f"{self.page.url}: {answer.request.method} {answer.url}")


def walk_over(url: str, walks: Mapping[str, Sequence[Walk]], *, picture: bytes) -> None:
    """Do all that can be done at each address (path -> who goes there); all who go there at once."""
    for path, there in walks.items():
        for walk in there:
            walk.arrive(url + path)
        settle(there)
        for walk in there:
            walk.type(picture)
        settle(there)
        for _ in range(ROUNDS):
            pressed = [walk.press(path) for walk in there]
            if not any(pressed):
                break
            settle(there)


def settle(walks: Sequence[Walk]) -> None:
    """Until nothing was asked for a while; what a page asks for again and again does not hold it up for long."""
    quiet = 0
    for _ in range(MOST_MS // STEP_MS):
        quiet = 0 if any(walk.under_way for walk in walks) else quiet + STEP_MS
        if quiet > QUIET_MS:
            return
        walks[0].page.wait_for_timeout(STEP_MS)
