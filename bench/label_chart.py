"""Draws what a hunt costs against what it has found, a line for each strategy, as one SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import numpy as np

from curate.replay import Moment

WIDTH, HEIGHT = 960, 420
PANEL, TOP, BOTTOM, LEFT = 290, 40, 370, 60
GAP = 60
RECALLS = np.linspace(0.02, 0.9, 45)
# Okabe and Ito's colours, which colour-blind people can tell apart, darkened where white would swallow them.
COLOURS = ("#d55e00", "#555555", "#a6761d", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#b8a000", "#999999")
Curves = Mapping[str, Sequence[Sequence[Moment]]]


def draw_chart(curves: Curves, *, about: Mapping[str, str]) -> str:
    """An SVG of two panels, clicks and person's seconds against recall; `curves` holds the hunts of each strategy."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" role="img" aria-label="What a hunt costs against the share of the class found">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for number, (title, value) in enumerate((("clicks and keys", "clicks"), ("seconds", "seconds"))):
        lines = {name: _median_cost(hunts, value) for name, hunts in curves.items()}
        parts += _panel(lines, title=f"Person's {title} (median hunt)", left=LEFT + number * (PANEL + GAP))
    for row, (name, colour) in enumerate(zip(curves, COLOURS, strict=False)):
        x, y = LEFT + 2 * PANEL + GAP + 20, TOP + 14 + 32 * row
        width = 3 if row == 0 else 1.5
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 20}" y2="{y}" stroke="{colour}" stroke-width="{width}"/>')
        parts.append(f'<text x="{x + 26}" y="{y + 4}" fill="#222222">{escape(name.replace("_", " "))}</text>')
        parts.append(f"<title>{escape(about[name])}</title>")
    return "\n".join([*parts, "</svg>", ""])


def _median_cost(hunts: Sequence[Sequence[Moment]], value: str) -> list[float]:
    """The median over hunts of the clicks or seconds until each of RECALLS was reached."""
    costs = []
    for moments in hunts:
        reached = np.maximum.accumulate([moment.recall for moment in moments])
        spent = [0.0, *(float(getattr(moment, value)) for moment in moments)]
        places = np.searchsorted(reached, RECALLS, side="left")
        costs.append([spent[min(int(place), len(moments) - 1) + 1] for place in places])
    return [float(one) for one in np.median(np.array(costs), axis=0)]


def _round_step(least: float) -> float:
    """The least round number from `least` on: 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(max(least, 1.0)))
    return float(next(one * power for one in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if one * power >= least))


def _panel(lines: Mapping[str, list[float]], *, title: str, left: int) -> list[str]:
    step = _round_step(max(max(line) for line in lines.values()) / 4)
    most = 4 * step
    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold" fill="#222222">{escape(title)}</text>']
    for share in (0.0, 0.25, 0.5, 0.75, 0.9):
        x = left + PANEL * share / 0.9
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}" stroke="#e5e5e5"/>')
        parts.append(f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle" fill="#444444">{share:.0%}</text>')
    for quarter in range(5):
        y = BOTTOM - (BOTTOM - TOP) * quarter / 4
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + PANEL}" y2="{y:.1f}" stroke="#e5e5e5"/>')
        label = f"{step * quarter:,.0f}"
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#444444">{label}</text>')
    middle = left + PANEL / 2
    parts.append(
        f'<text x="{middle}" y="{BOTTOM + 38}" text-anchor="middle" fill="#444444">share of the class found</text>'
    )
    # The first strategy is drawn last, on top of the others.
    for (_, line), colour in reversed(list(zip(lines.items(), COLOURS, strict=False))):
        points = " ".join(
            f"{left + PANEL * recall / 0.9:.1f},{BOTTOM - (BOTTOM - TOP) * cost / most:.1f}"
            for recall, cost in zip(RECALLS, line, strict=True)
        )
        width = 3 if colour == COLOURS[0] else 1.5
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
    return parts
