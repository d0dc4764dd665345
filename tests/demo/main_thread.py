"""What a page costs the browser's main thread: milliseconds per action, and tasks long enough to be felt."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import CDPSession, Page

# All that was long since this was asked for last, in ms. A long task is one of 50 ms or more.
WATCH_LONG = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ type: "longtask" });
}"""
TWO_FRAMES = (
    "async () => { for (let n = 0; n < 2; n += 1) await new Promise((drawn) => requestAnimationFrame(drawn)); }"
)


@dataclass
class MainThread:
    """Watches a page that is loaded."""

    page: Page
    session: CDPSession = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("Performance.enable")
        self.page.evaluate(WATCH_LONG)

    def spent(self) -> float:
        """Processor time of the main thread so far, in ms: the same whoever else uses the machine."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(one["value"] for one in metrics if one["name"] == "ThreadTime"))

    def of(self, act: Callable[[], None]) -> float:
        """Milliseconds that an action takes until it is drawn, the watching (about 1 ms) included."""
        before = self.spent()
        act()
        self.page.evaluate(TWO_FRAMES)
        return self.spent() - before

    def key(self, key: str, *, times: int = 9) -> dict[str, float]:
        """The least, the median and the largest of several presses."""
        each = [self.of(lambda: self.page.keyboard.press(key)) for _ in range(times)]
        return {"least": min(each), "median": statistics.median(each), "largest": max(each)}

    def long_tasks(self) -> list[float]:
        """Those since this was asked for last."""
        return [float(ms) for ms in self.page.evaluate("() => longTasks.splice(0)")]
