"""Makes the README's screenshots: the answer to the first plane offered, in both themes, at two sizes.

python docs/screenshots/make.py http://127.0.0.1:8765
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).resolve().parent
SIZES = ((1440, 900), (1024, 768))
THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
PLANE = '.sample[data-name*="plane"]'  # file names of the demo's pictures begin with their class


def main() -> None:
    """Write main-THEME-WIDTH.png beside this file for each theme and size."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ADDRESS")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no Chromium found: install Debian's package `chromium`")
    with sync_playwright() as playwright:
        # Chromium's sandbox refuses to run for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for theme in THEMES:
            for width, height in SIZES:
                picture = HERE / f"main-{theme}-{width}.png"
                take(browser, sys.argv[1], picture=picture, theme=theme, width=width, height=height)
                print(picture)
        browser.close()


def take(
    browser: Browser, address: str, *, picture: Path, theme: Literal["dark", "light"], width: int, height: int
) -> None:
    """One screenshot of the answer to the first plane offered, or to the first picture where no plane is."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(address)
    page.locator(".sample").first.wait_for()
    planes = page.locator(PLANE)
    (planes if planes.count() else page.locator(".sample")).first.click()
    page.locator(".tile").first.wait_for()
    page.mouse.move(0, 0)  # no tile is hovered
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.images].every((i) => i.complete || i.loading === 'lazy')")
    page.wait_for_timeout(500)  # the last thumbnails fade in
    page.screenshot(path=picture)
    context.close()


if __name__ == "__main__":
    main()
