"""What a hunt proposes to look at next, and what its ranking says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from catalog.hits import Hit
from curate.folding import Folds
from curate.paging import Kind
from curate.ranker import Ranking

EVIDENCE = 20  # images known to be of the label: from fewer, the cut-off is a guess, and mostly too high


@dataclass(frozen=True)
class Proposal:
    """What to look at next, best first, or what to agree to; kind "end": nothing undecided is left.

    Hits from `cut` on are less likely than not to be of the label (None: all are likely, or nothing can tell: there is
    no `line`). For "accept", `count` images would be labelled unseen and about the share `wrong` of them wrongly; `run`
    is the length of the run that a sample or an accept is about, and how many images a probe has passed over;
    `checked`: how many images were drawn at random and decided so far. `folds` are the ids of near-identical images
    among the hits, each time best first. took_ms: stage -> milliseconds.
    """

    kind: Kind | Literal["end"]
    token: str
    encoder_id: str
    hits: list[Hit]
    cut: int | None
    run: int
    count: int
    wrong: float
    checked: int
    took_ms: dict[str, float]
    folds: Folds = ()
    line: bool = False


def has_line(ranking: Ranking, known: int) -> bool:
    """Whether `known` images of the label are enough to tell from where on one is more likely than not."""
    return ranking.fitted and known >= EVIDENCE


def cut_of(ranking: Ranking, hits: list[Hit], known: int) -> int | None:
    """Which of the hits is the first that is less likely than not, if `known` images are enough to tell; else None."""
    if not has_line(ranking, known):
        return None
    above = sum(hit.score > float(ranking.cutoffs.min()) for hit in hits)
    return None if above == len(hits) else above


def odds_of(ranking: Ranking, hits: list[Hit]) -> tuple[float, ...]:
    """The log odds of the hits; none where the ranking cannot tell them from one cosine each."""
    if not ranking.fitted or len(ranking.queries) != 1 or not hits:
        return ()
    return tuple(ranking.log_odds(np.array([[hit.score] for hit in hits], np.float32)).tolist())
