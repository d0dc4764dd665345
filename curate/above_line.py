"""All undecided images above a hunt's line, on whatever page they would come, held still to be decided at once."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.artifacts import ArtifactStore
from catalog.errors import CatalogError
from catalog.hits import Hit
from catalog.hunts import Hunt
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from catalog.standing import rivals
from curate.matches import Match
from curate.ranker import Ranking
from curate.survey import survey

DRAWN = 12  # shown before all of them are decided


class NoLine(CatalogError):
    """Nothing tells yet from where on an image is more likely than not to be of the label."""

    def __init__(self, known: int, *, needed: int) -> None:
        super().__init__(
            f"There is no line yet: it takes {needed} pictures of the label, and {known} are known. Go on page by page."
        )


@dataclass(frozen=True)
class Above:
    """All that lie above the line, and a few of them drawn at random, as results."""

    match: Match
    drawn: list[Hit]


def above_line(ledger: Ledger, store: ArtifactStore, ranking: Ranking, *, hunt: Hunt, encoder_id: str) -> Match:
    """Every undecided image that is more likely than not of the label; a pass over all embeddings.

    Raises UnknownLabel, ArtifactMissing, ShardDamaged.
    """
    surveyed = survey(ledger, store, ranking, encoder_id=encoder_id, label_id=hunt.label_id)
    wanted = SearchFilter(undecided=hunt.label_id, none_of=rivals(ledger, hunt.label_id))
    ids = surveyed.ids[surveyed.log_odds > 0]
    return Match(wanted, ids, encoder_id=encoder_id, hunt=hunt.id)
