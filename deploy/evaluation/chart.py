"""Draws what encoders can do over their epochs, as one SVG: accuracies with deviations, and what a search finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.label_chart import COLOURS
from deploy.evaluation.comparison import Compared

WIDTH, HEIGHT = 960, 420
PANEL, TOP, BOTTOM, LEFT, GAP = 320, 64, 340, 60, 150
LEGEND_ROW = 20
LONGEST_TICK = 16


@dataclass(frozen=True)
class Line:
    """A value for each encoder, and its deviation where there is one; None where it was not measured."""

    title: str
    values: Sequence[float | None]
    deviations: Sequence[float]


def draw_chart(name: str, rows: Sequence[Compared]) -> str:
    """An SVG of two panels over the epochs, or over the encoders where epochs are not known or the same."""
    accuracy = [_line(rows, "linear probe", "linear_probe"), _line(rows, "kNN", "knn")]
    search = [
        Line("precision@10", [row.record["mean"]["precision"].get("10") for row in rows], [0.0] * len(rows)),
        Line("mean average precision", [row.record["mean"]["average_precision"] for row in rows], [0.0] * len(rows)),
    ]
    for group in dict.fromkeys(group for row in rows for group in row.record["groups"]):
        found = [row.record["groups"].get(group) for row in rows]
        values = [one["precision"].get("10") if one else None for one in found]
        search.append(Line(f"precision@10, {group}", values, [0.0] * len(rows)))
    title = f"Encoders on {name}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="14" font-weight="bold" fill="#222222">{escape(title)}</text>',
            *_panel(rows, accuracy, title="Accuracy", left=LEFT, colours=COLOURS[3:]),
            *_panel(rows, search, title="What a search finds", left=LEFT + PANEL + GAP, colours=COLOURS),
            "</svg>",
            "",
        ]
    )


def _line(rows: Sequence[Compared], title: str, key: str) -> Line:
    found = [row.record.get(key) for row in rows]
    return Line(title, [one["mean"] if one else None for one in found], [one["std"] if one else 0.0 for one in found])


def _panel(
    rows: Sequence[Compared], lines: Sequence[Line], *, title: str, left: int, colours: Sequence[str]
) -> list[str]:
    lines = [line for line in lines if any(value is not None for value in line.values)]
    tops = [v + d for line in lines for v, d in zip(line.values, line.deviations, strict=True) if v is not None]
    most = math.ceil(max([0.1, *tops]) * 10) / 10
    places, ticks, below = _places(rows, left)
    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold" fill="#222222">{escape(title)}</text>']
    for step in range(6):
        y = BOTTOM - (BOTTOM - TOP) * step / 5
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + PANEL}" y2="{y:.1f}" stroke="#e5e5e5"/>')
        label = f"{most * step / 5:.0%}"
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#444444">{label}</text>')
    for x, tick in zip(places, ticks, strict=True):
        parts.append(f'<line x1="{x:.1f}" y1="{BOTTOM}" x2="{x:.1f}" y2="{BOTTOM + 4}" stroke="#888888"/>')
        parts.append(f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle" fill="#444444">{escape(tick)}</text>')
    middle = left + PANEL / 2
    parts.append(f'<text x="{middle}" y="{BOTTOM + 36}" text-anchor="middle" fill="#444444">{below}</text>')
    for number, (line, colour) in enumerate(zip(lines, colours, strict=False)):
        parts += _drawn(line, colour, places, most)
        x, y = left + 8 + (number % 2) * PANEL / 2, BOTTOM + 54 + number // 2 * LEGEND_ROW
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 18}" y2="{y}" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 24}" y="{y + 4}" fill="#222222">{escape(line.title)}</text>')
    return parts


def _places(rows: Sequence[Compared], left: int) -> tuple[list[float], list[str], str]:
    """Where each encoder stands, what is written below it, and what the axis is."""
    epochs = [row.epochs for row in rows]
    if None not in epochs and len(set(epochs)) == len(epochs):
        known = [float(epoch or 0) for epoch in epochs]
        widest = max(known) or 1.0
        return [left + PANEL * epoch / widest for epoch in known], [f"{epoch:,.0f}" for epoch in known], "epochs"
    step = PANEL / max(1, len(rows))
    return [left + step * (n + 0.5) for n in range(len(rows))], [row.name[:LONGEST_TICK] for row in rows], "encoder"


def _drawn(line: Line, colour: str, places: Sequence[float], most: float) -> list[str]:
    def height(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * max(0.0, value) / most

    there = [(x, v, d) for x, v, d in zip(places, line.values, line.deviations, strict=True) if v is not None]
    points = " ".join(f"{x:.1f},{height(value):.1f}" for x, value, _ in there)
    parts = [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, value, deviation in there:
        told = f"{line.title}: {value:.1%}" + (f" ± {deviation:.1%}" if deviation else "")
        parts.append(
            f'<circle cx="{x:.1f}" cy="{height(value):.1f}" r="4" fill="{colour}"><title>{told}</title></circle>'
        )
        if deviation:
            low, high = height(value - deviation), height(value + deviation)
            parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-width="1.5"/>')
    return parts
