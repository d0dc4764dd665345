"""The chart of the label benchmark is an SVG with a line in each panel for each strategy."""

from __future__ import annotations

from xml.etree import ElementTree

from bench.label_chart import draw_chart
from curate.replay import Moment


def test_every_strategy_has_a_line_in_both_panels() -> None:
    hunts = [[Moment(clicks=10 * step, looked=60 * step, seconds=13.0 * step, recall=0.1 * step) for step in range(10)]]
    root = ElementTree.fromstring(draw_chart({"ours": hunts, "a_b": hunts}, about={"ours": "x < y", "a_b": "z"}))
    space = "{http://www.w3.org/2000/svg}"
    lines = root.findall(f"{space}polyline")
    assert len(lines) == 4
    ends = [tuple(map(float, line.attrib["points"].split()[-1].split(","))) for line in lines]
    assert all(60 <= x <= 960 and 40 <= y <= 370 for x, y in ends)
    texts = [text.text for text in root.findall(f"{space}text")]
    assert "a b" in texts and "90%" in texts
