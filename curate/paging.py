"""The pages of a hunt: what a person is shown next, and when everything above some rank may be accepted unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Kind = Literal["page", "probe", "sample", "accept", "check"]

PAGE = 60  # tiles; 30 to 100 take the same time in replay within 3 %
GOOD = 0.95  # a page is good when this share of it is of the class; accepted runs are held to WRONG below
GOOD_PAGES = 3  # in a row, before the first jump
FIRST_JUMP = 8  # pages; a shorter run costs as many pages of probes and samples as it saves
SHORTEST_RUN = 3  # pages; below that it is quicker to look at every tile
WRONG = 0.02  # most share of wrong images that a run may be expected to have
SAMPLE = 30  # images at least: none wrong among fewer than 24 does not show that WRONG holds
LONGEST_JUMP = 16_000  # images; as far as one search of Milvus reaches
MOST_PAUSE = 48  # pages; jumps that failed are tried again after 3, 6, 12 … good pages


@dataclass(frozen=True)
class Jump:
    """A ranked list, held while ranks are probed: good down to `low`, not good any more at `high` (None: not known).

    `probed` and `sampled` are the ranks that were looked at, `wrong_sampled` how many of the sampled were not of it.
    """

    ranked: Ids
    low: int
    high: int | None = None
    probed: frozenset[int] = frozenset()
    sampled: tuple[int, ...] = ()
    sampled_good: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Step:
    """What to do next: show `ids`, best first, and have each decided; or, for "accept", ask once for all of them.

    "page" is the best that there is, "probe" a page further down, `run` how many images it has passed over, "sample"
    images from all over the run that would be accepted, `run` its length; "check" (never made here) random images, for
    the estimate of what is left. `wrong` is, for "accept", the estimated share of wrong images among `ids`.
    """

    kind: Kind
    ids: Ids
    ranks: tuple[int, ...] = ()
    run: int = 0
    wrong: float = 0.0


@dataclass(frozen=True)
class Paging:
    """Where a hunt is in its pages. `after` makes the next one; nothing here is ever changed."""

    page: int = PAGE
    jumps: bool = True
    good_pages: int = 0
    needed: int = GOOD_PAGES
    jump: Jump | None = None

    @property
    def reach(self) -> int:
        """How many ranked images `next_step` wants to be given."""
        if self.jump is not None:
            return 0  # it holds its own list
        return LONGEST_JUMP if self._may_jump() else self.page

    def next_step(self, ranked: Ids) -> tuple[Paging, Step | None]:
        """What to do next, and the paging that the answer belongs to; None when nothing is left to be shown.

        `ranked` are undecided images, best first, as many as `reach` says or all that there are. The same paging has
        the same next step: a sample that nobody answered, or whose answer was taken back, has the same images again.
        """
        if self.jump is None and self._may_jump() and len(ranked) >= (FIRST_JUMP + 1) * self.page:
            return replace(self, jump=Jump(ranked, low=0)).next_step(ranked)
        if self.jump is None:
            top = ranked[: self.page]
            return self, Step("page", top, ranks=tuple(range(len(top)))) if len(top) else None
        jump = self.jump
        target = self._target(jump)
        if target is not None:
            ranks = range(target, min(target + self.page, len(jump.ranked)))
            return self, Step("probe", jump.ranked[list(ranks)], ranks=tuple(ranks), run=target - jump.low)
        if jump.low < SHORTEST_RUN * self.page:
            return self._given_up().next_step(_left(jump))
        inside = [rank for rank in jump.sampled if rank < jump.low]
        seen = jump.probed | frozenset(jump.sampled)
        missing = max(self.page, SAMPLE) - len(inside)
        unseen = np.array([rank for rank in range(jump.low) if rank not in seen], dtype=np.int64)
        if not len(unseen):
            return self._given_up().next_step(_left(jump))
        if missing > 0:
            drawn = np.sort(_draws(jump).choice(unseen, min(missing, len(unseen)), replace=False))
            return self, Step("sample", jump.ranked[drawn], ranks=tuple(drawn.tolist()), run=jump.low)
        wrong = expected_wrong(jump)
        if wrong > WRONG:
            return replace(self, jump=replace(jump, low=jump.low // 2, high=jump.low)).next_step(ranked)
        return self, Step("accept", jump.ranked[unseen], run=jump.low, wrong=wrong)

    def after(self, step: Step, good: Flags) -> Paging:
        """The paging after the step's images were decided; `good` (n,) says which of `step.ids` are of the class.

        For "accept", one flag: whether the person agreed.
        """
        share = float(good.mean()) if len(good) else 0.0
        jump = self.jump
        if step.kind == "page" or jump is None:
            return replace(self, good_pages=self.good_pages + 1 if share >= GOOD else 0)
        if step.kind == "probe":
            probed = jump.probed | frozenset(step.ranks)
            if share >= GOOD:
                return replace(self, jump=replace(jump, low=step.ranks[-1] + 1, probed=probed))
            return replace(self, jump=replace(jump, high=step.ranks[0], probed=probed))
        if step.kind == "sample":
            return replace(
                self,
                jump=replace(
                    jump,
                    sampled=jump.sampled + step.ranks,
                    sampled_good=jump.sampled_good + tuple(bool(one) for one in good),
                ),
            )
        if not good.all():
            return self._given_up()
        # What follows an accepted run is near its end: pages first, and the next jump after as many good ones as ever.
        return replace(self, good_pages=0, needed=GOOD_PAGES, jump=None)

    def _may_jump(self) -> bool:
        return self.jumps and self.good_pages >= self.needed

    def _given_up(self) -> Paging:
        return replace(self, good_pages=0, needed=min(MOST_PAUSE, 2 * self.needed), jump=None)

    def _target(self, jump: Jump) -> int | None:
        """The rank to look at next: twice as far while all is good, halfway between good and bad after that."""
        end = len(jump.ranked) if jump.high is None else jump.high
        if jump.sampled or end - jump.low <= 2 * self.page:
            return None
        if jump.high is None:
            return min(max(FIRST_JUMP * self.page, 2 * jump.low), end - self.page)
        return (jump.low + end) // 2


def expected_wrong(jump: Jump) -> float:
    """Share of wrong images to expect in the run: the mean under Jeffreys' prior after the sampled ones in it."""
    inside = [good for rank, good in zip(jump.sampled, jump.sampled_good, strict=True) if rank < jump.low]
    return (inside.count(False) + 0.5) / (len(inside) + 1)


def _draws(jump: Jump) -> np.random.Generator:
    """As random as the ranked list is to what is right in it, and the same whenever it is asked."""
    return np.random.default_rng([jump.low, len(jump.sampled), *jump.ranked[:4].tolist()])


def _left(jump: Jump) -> Ids:
    """The ranked images that have not been looked at."""
    seen = jump.probed | frozenset(jump.sampled)
    return jump.ranked[[rank for rank in range(len(jump.ranked)) if rank not in seen]]
