"""A simulated person with the true labels works through a hunt, with the code that the product runs, and is timed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from curate.estimate import CHECKS, NOTHING, Estimate, Judged, draw_check, estimate_remaining
from curate.finder import Finder, Flags, Found, Ids, Known, LearnedFinder
from curate.paging import PAGE, Paging, Step

RECALL = 0.90


@dataclass(frozen=True)
class Costs:
    """What a person's work takes, in seconds: a click or key, and a glance at a tile.

    A page arrives preselected; tiles that are wrong are clicked, or, if that is quicker, the selection is inverted by
    one key first; one more key confirms the page. `preselected` False is a page where every right tile is clicked.
    """

    key_s: float = 0.7
    look_s: float = 0.1
    preselected: bool = True

    def keys(self, selected: Flags, truth: Flags) -> int:
        """Clicks and keys to make the selection (n,) the truth (n,) and confirm it."""
        if not self.preselected:
            return int(truth.sum()) + 1
        wrong = int((selected != truth).sum())
        return min(wrong, 1 + len(truth) - wrong) + 1


@dataclass(frozen=True)
class Moment:
    """Where a hunt was after one step."""

    clicks: int
    looked: int
    seconds: float
    recall: float


@dataclass(frozen=True)
class Outcome:
    """How a hunt went: `labels` were confirmed, `right` of them rightly, `jumped` of them unseen.

    Examples that it began with count in `recall` and nowhere else. `failed`: it ended before the recall was reached.
    `estimate` is what the product said of the `left` images of the class that the hunt did not find. `clicks_plainly`
    are those that the same pages would take if they all arrived selected, whatever the cut-off or the last page said.
    """

    clicks: int
    clicks_plainly: int
    looked: int
    seconds: float
    labels: int
    right: int
    jumped: int
    recall: float
    failed: bool
    left: int
    estimate: Estimate | None
    moments: tuple[Moment, ...]

    @property
    def precision(self) -> float:
        """Share of the confirmed labels that are right."""
        return self.right / self.labels if self.labels else 1.0

    @property
    def seconds_per_100(self) -> float:
        """Person's seconds for 100 right labels."""
        return 100 * self.seconds / max(1, self.right)

    @property
    def covered(self) -> bool | None:
        """Whether the estimate's interval holds the truth; None where it could not tell."""
        if self.estimate is None or not self.estimate.tells:
            return None
        return self.estimate.low <= self.left <= self.estimate.high


def replay(
    finder: Finder,
    truth: Flags,
    *,
    start: Ids,
    rng: np.random.Generator,
    costs: Costs | None = None,
    jumps: bool = True,
    recall: float = RECALL,
    page: int = PAGE,
    check: bool = False,
    until_told: bool = False,
) -> Outcome:
    """Hunt from the examples `start` until `recall` of the images that truth (n,) names are confirmed.

    The person decides every tile that is shown by the truth, and agrees to every jump. With `check`, which needs a
    LearnedFinder, a random check and the estimate from it follow, and its time is part of the hunt's. With `until_told`
    the hunt goes on past that recall to where an estimate can be told.
    """
    person = _Person(truth, start, costs or Costs())
    paging = Paging(page=page, jumps=jumps)
    enough = int(np.ceil(recall * truth.sum()))
    found = Found(np.empty(0, np.int64))
    while person.found < enough or (until_told and person.shown.still_good()):
        if paging.reach:
            found = finder(person.known, k=paging.reach)
        paging, step = paging.next_step(found.ids)
        if step is None:
            break
        if step.kind == "accept":
            person.accept(step.ids)
            paging = paging.after(step, np.array([True]))
        else:
            good = person.decide(step.ids, preselection(step, found, mostly_wrong=person.mostly_wrong))
            if step.kind == "page" and found.log_odds is not None:
                person.remember(step.ids, found)
            paging = paging.after(step, good)
    failed = person.found < enough
    estimate = None
    if check and isinstance(finder, LearnedFinder) and finder.ranking is not None:
        estimate = person.check(finder, rng, page=page)
    return Outcome(
        clicks=person.clicks,
        clicks_plainly=person.clicks_plainly,
        looked=person.looked,
        seconds=person.seconds,
        labels=len(person.known.positives) - len(start),
        right=person.right,
        jumped=person.jumped,
        recall=person.found / max(1, int(truth.sum())),
        failed=failed,
        left=int(truth.sum()) - person.found,
        estimate=estimate,
        moments=tuple(person.moments),
    )


class _Person:
    """Knows the truth, decides by it, and keeps the time."""

    def __init__(self, truth: Flags, start: Ids, costs: Costs) -> None:
        self.known = Known(start, start, np.empty(0, np.int64))
        self.clicks = self.clicks_plainly = self.looked = self.right = self.jumped = 0
        self.mostly_wrong = False
        self.moments: list[Moment] = []
        self._truth, self._costs = truth, costs
        self._shown: list[Judged] = []

    @property
    def found(self) -> int:
        return int(self._truth[self.known.positives].sum())

    @property
    def shown(self) -> Judged:
        return Judged(
            np.concatenate([one.log_odds for one in self._shown] or [NOTHING.log_odds]),
            np.concatenate([one.good for one in self._shown] or [NOTHING.good]),
        )

    @property
    def seconds(self) -> float:
        return self._costs.key_s * self.clicks + self._costs.look_s * self.looked

    def decide(self, ids: Ids, selected: Flags) -> Flags:
        good = self._truth[ids]
        self.clicks += self._costs.keys(selected, good)
        self.clicks_plainly += self._costs.keys(np.ones(len(ids), np.bool_), good)
        self.looked += len(ids)
        self.mostly_wrong = bool(good.mean() < 0.5)
        self._learn(ids[good], ids[~good])
        return good

    def accept(self, ids: Ids) -> None:
        self.clicks += 1
        self.clicks_plainly += 1
        self.jumped += len(ids)
        self._learn(ids, np.empty(0, np.int64))

    def remember(self, ids: Ids, found: Found) -> None:
        odds = {} if found.log_odds is None else dict(zip(found.ids.tolist(), found.log_odds.tolist(), strict=True))
        self._shown.append(Judged(np.array([odds[one] for one in ids.tolist()], np.float32), self._truth[ids]))

    def check(self, finder: LearnedFinder, rng: np.random.Generator, *, page: int) -> Estimate:
        undecided = np.setdiff1d(np.arange(len(self._truth)), self.known.decided)
        if not len(undecided):
            return Estimate(self.found)
        log_odds = finder.scores(undecided)
        shown = self.shown
        places = draw_check(log_odds, shown, rng=rng, many=CHECKS)
        for begin in range(0, len(places), page):
            ids = undecided[places[begin : begin + page]]
            self.decide(ids, np.zeros(len(ids), bool))
        checked = Judged(log_odds[places], self._truth[undecided[places]])
        return estimate_remaining(np.delete(log_odds, places), shown=shown, checked=checked, found=self.found)

    def _learn(self, yes: Ids, no: Ids) -> None:
        known = self.known
        self.right += int(self._truth[yes].sum())
        self.known = replace(
            known,
            positives=np.concatenate([known.positives, yes]),
            negatives=np.concatenate([known.negatives, no]),
        )
        share = self.found / max(1, int(self._truth.sum()))
        self.moments.append(Moment(self.clicks, self.looked, self.seconds, share))


def preselection(step: Step, found: Found, *, mostly_wrong: bool) -> Flags:
    """Which of the step's tiles (n,) arrive selected: those above the cut-off, where there is one.

    Without one, a page arrives as most of the last one was: that is as well as anything can do without learning.
    """
    if step.kind in ("probe", "sample") or found.selected is None:
        return np.full(len(step.ids), step.kind != "page" or not mostly_wrong, dtype=np.bool_)
    above = set(found.ids[found.selected].tolist())
    return np.array([int(image_id) in above for image_id in step.ids])
