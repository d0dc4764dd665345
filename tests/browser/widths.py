"""What of a page lies outside a window: to be got at only by scrolling all of it sideways, or not at all."""

from __future__ import annotations

from playwright.sync_api import Page

WIDTHS = (360, 768, 1280)
HEIGHT = 800
# Of a window that has just got another width a grid is laid out anew only with the next frame.
OUTSIDE = """async () => {
  for (let n = 0; n < 2; n += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
  const found = [];
  const wide = document.scrollingElement.scrollWidth;
  if (wide > innerWidth) {
    // Only where it begins: all that holds it is as wide.
    const beyond = (one) => one.getBoundingClientRect().right > innerWidth + 1;
    const first = [...document.querySelectorAll("body *")].filter(beyond).slice(0, 3);
    const named = first.map((one) => one.id || one.className || one.localName);
    found.push(`the page is ${wide} px wide: ${named.join(", ")}`);
  }
  for (const one of document.querySelectorAll("a, button, input, select, summary, textarea")) {
    if (!one.checkVisibility({ visibilityProperty: true })) continue;
    if (one.closest(".table-wrap, .visually-hidden")) continue; // a table may be wider, and scrolls by itself
    const { left, right } = one.getBoundingClientRect();
    const name = one.id || one.textContent.trim() || one.type;
    if (left < 0 || right > innerWidth + 0.5) found.push(`${name}: ${left} to ${right}`);
  }
  return found;
}"""
# Opens or closes it, where there is one to open: nobody who has not signed in has a menu.
MENU = """() => {
  const button = document.querySelector("header.bar .drawer-button");
  if (!button?.checkVisibility()) return false;
  button.click();
  return true;
}"""


def outside(page: Page) -> list[str]:
    """What lies outside the window as it is now."""
    found: list[str] = page.evaluate(OUTSIDE)
    return found


def outside_at_all_widths(page: Page) -> list[str]:
    """The same at each of the widths, with the menu closed and open; the page is left as wide as it was."""
    before = page.viewport_size
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width} px: {one}" for one in outside(page)]
        if page.evaluate(MENU):
            found += [f"{width} px, menu open: {one}" for one in outside(page)]
            page.evaluate(MENU)
    if before:
        page.set_viewport_size(before)
    return found
