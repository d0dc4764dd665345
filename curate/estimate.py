"""Estimates how many images of the class a hunt has not found yet, with a 90 % interval, from scores and a few checks.

Among undecided images, the log odds of being of the class are taken to be a line in the ranker's log odds. Level and
slope of the line are inferred from the last pages, as they were scored when they were shown, and from a random check
further down; the interval holds what is not known of the line and the chance in what remains. docs/HUNT.md says how
often it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curate.finder import Flags
from curate.ranker import Scores

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

CHECKS = 120  # images in a random check: two pages
RECENT = 360  # of the images shown last: six pages, by which it is told whether they are still good
# Chosen in replay on five of CIFAR-10's classes, the other five being kept for the measurement.
ON_THE_LINE = 210  # of the images shown last: earlier ones were chosen by rankings that knew less, and lie flatter
SLOPE, SLOPE_SD = 2.0, 0.6  # how much steeper the truth is than the ranker says
LEVEL_SD = 1.0  # how far the log odds in the middle of the recent pages may be from what the ranker says
TOO_GOOD = 0.3  # share of the recent images: above it what lies below them is not on the line
UNIFORM = 0.2  # part of the check that is drawn evenly, so that nothing is out of its sight
INTERVAL = (0.05, 0.95)
DRAWS = 4000
BINS = 200

LEVELS = np.linspace(-4.0, 4.0, 65)
SLOPES = np.linspace(0.3, 5.0, 60)


@dataclass(frozen=True)
class Judged:
    """Images that a person decided: their log odds (n,) by the ranking that chose them, and whether they were right."""

    log_odds: Scores
    good: Flags

    def last(self, many: int) -> Judged:
        """The last `many` of them."""
        return Judged(self.log_odds[-many:], self.good[-many:])

    def still_good(self) -> bool:
        """Whether so many of the last ones were right that what lies below them cannot be told."""
        recent = self.last(RECENT)
        return not len(recent.good) or float(recent.good.mean()) > TOO_GOOD


NOTHING = Judged(np.empty(0, np.float32), np.empty(0, np.bool_))


@dataclass(frozen=True)
class Estimate:
    """`found` of the class are labelled; about `remaining` are not, `low` to `high` with 90 % certainty.

    `reason` says why it cannot be told, or is empty; then the numbers mean nothing but `found`.
    """

    found: int
    remaining: int = 0
    low: int = 0
    high: int = 0
    reason: str = ""

    @property
    def tells(self) -> bool:
        """Whether there is an estimate."""
        return not self.reason

    @property
    def recall(self) -> tuple[float, float, float]:
        """Share of the class that is found: least, most likely, most."""
        least, likely, most = (
            self.found / (self.found + left) if self.found + left else 1.0
            for left in (self.high, self.remaining, self.low)
        )
        return least, likely, most


def draw_check(log_odds: Scores, shown: Judged, *, rng: np.random.Generator, many: int = CHECKS) -> Places:
    """Draw places in `log_odds` (n,), those of the undecided images, to check: where it tells most, most often.

    The chance of an image goes with the root of its probability, as Neyman's allocation has it for rare things.
    """
    middle, weights = _posterior(shown.last(ON_THE_LINE), NOTHING)
    level, slope = float(weights.sum(axis=1) @ LEVELS), float(weights.sum(axis=0) @ SLOPES)
    roots = np.sqrt(_logistic(middle + level + slope * (log_odds.astype(np.float64) - middle)))
    chances = (1 - UNIFORM) * roots / roots.sum() + UNIFORM / len(roots)
    drawn = rng.choice(len(log_odds), min(many, len(log_odds)), replace=False, p=chances / chances.sum())
    return np.sort(drawn).astype(np.int64)


def estimate_remaining(
    log_odds: Scores, *, shown: Judged, checked: Judged, found: int, rng: np.random.Generator | None = None
) -> Estimate:
    """Estimate how many of the undecided images, with these log odds (n,), are of the class.

    `shown` are the images of ordinary pages, oldest first; `checked` those of the check, scored by the ranking that
    `log_odds` are from. `found` is what is labelled, checks included. The same input gives the same estimate.
    """
    if not len(log_odds):
        return Estimate(found)
    if not len(checked.good):
        return Estimate(found, reason="Nothing has been checked yet.")
    if shown.still_good():
        return Estimate(found, reason="The pages are still good: what lies below them cannot be told from them yet.")
    rng = rng or np.random.default_rng(0)
    middle, weights = _posterior(shown.last(ON_THE_LINE), checked)
    drawn = rng.choice(weights.size, DRAWS, p=weights.ravel())
    levels, slopes = LEVELS[drawn // len(SLOPES)], SLOPES[drawn % len(SLOPES)]
    parts = np.array_split(np.sort(log_odds.astype(np.float64)), min(BINS, len(log_odds)))
    centres, counts = np.array([part.mean() for part in parts]), np.array([len(part) for part in parts])
    expected = np.zeros(DRAWS)
    for centre, count in zip(centres, counts, strict=True):
        expected += count * _logistic(middle + levels + slopes * (centre - middle))
    left = np.minimum(rng.poisson(expected), len(log_odds))
    low, remaining, high = (round(float(one)) for one in np.quantile(left, (INTERVAL[0], 0.5, INTERVAL[1])))
    return Estimate(found, remaining, low, high)


def _posterior(recent: Judged, checked: Judged) -> tuple[float, Floats]:
    """The middle of the recent log odds, and how likely each (level there, slope) is: (levels, slopes), adding to 1."""
    middle = float(np.median(recent.log_odds)) if len(recent.log_odds) else 0.0
    table = -0.5 * (LEVELS[:, None] / LEVEL_SD) ** 2 - 0.5 * ((SLOPES[None] - SLOPE) / SLOPE_SD) ** 2
    at = np.concatenate([recent.log_odds, checked.log_odds]).astype(np.float64) - middle
    good = np.concatenate([recent.good, checked.good])
    for row, level in enumerate(LEVELS):
        odds = middle + level + SLOPES[:, None] * at[None]
        table[row] += (np.where(good, 0.0, -odds) - np.logaddexp(0.0, -odds)).sum(axis=1)
    likely = np.exp(table - table.max())
    return middle, likely / likely.sum()


def _logistic(odds: Floats) -> Floats:
    likely: Floats = 0.5 + 0.5 * np.tanh(0.5 * odds)
    return likely
