"""A running Ruiji as the page's tests know it, and what a browser complained of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.stack import Stack

# What a page says goes by itself after some seconds, which a busy machine may need until a test looks at it.
LASTING_TOASTS = """
{
  const set = window.setTimeout;
  window.setTimeout = (run, ms, ...given) => {
    const [, , asker] = new Error().stack.split("\\n");
    return set(run, asker?.includes("/toast.js") ? 20 * ms : ms, ...given);
  };
}
"""
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


@dataclass(frozen=True)
class Site:
    """A running Ruiji: 30 labelled and 180 unlabelled pictures of three kinds, six pictures to try."""

    stack: Stack
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.stack.port}"

    def images(self) -> int:
        """How many images there are now: a test that adds a folder adds some."""
        return int(self.stack.request("GET", "/api/v1/status").json()["counts"]["images"])


def labels_of(site: Site, image_id: int) -> set[str]:
    """The labels that the server knows the image to carry."""
    found = site.stack.request("GET", f"/api/v1/images/{image_id}").json()["labels"]
    return {label["name"] for label in found if label["state"] == "yes"}


@dataclass
class Watch:
    """What the browser complained of; `expected` holds parts of the complaints that a test provokes."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(part in text for part in self.expected)]


def without_label(site: Site) -> int:
    """How many images have no label."""
    return int(site.stack.request("GET", "/api/v1/status").json()["counts"]["unlabelled"])
