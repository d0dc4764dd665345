"""axe-core in the tests' browser: what a page gets wrong for people who cannot see, or cannot use a mouse."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from playwright.sync_api import Page

VENDOR = Path(__file__).parent / "vendor"
GRAVE = ("serious", "critical")
# Without `preload` axe asks for nothing over the network, which the pages' content security policy would refuse.
# A fade goes on only while frames are drawn, which a busy machine may put off: hence the bound.
SETTLED = """() => Promise.race([
  new Promise((done) => setTimeout(done, 2000)),
  Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => {}))),
])"""
RUN = """async (grave) => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return found.violations.filter((one) => grave.includes(one.impact)).flatMap((one) =>
    one.nodes.map((node) => `${one.id} (${one.impact}): ${node.target.join(" ")}: ${node.failureSummary}`));
}"""


def source() -> str:
    """The script of axe-core, which must be the very file that was vendored."""
    for package in json.loads((VENDOR / "vendor.json").read_text()):
        for file in package["files"]:
            data = (VENDOR / file["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == file["sha256"], f"{file['path']} is not what was vendored"
    return (VENDOR / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def faults(page: Page) -> list[str]:
    """The serious and critical faults of what is shown now, each with its element; the page has run `source()`."""
    page.evaluate(SETTLED)
    found: list[str] = page.evaluate(RUN, GRAVE)
    return found
