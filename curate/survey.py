"""Scores every undecided image of a label by a ranking, reading the shards and not the index."""

from __future__ import annotations

from typing import NamedTuple

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.matching import matching_images
from catalog.search_filter import SearchFilter
from catalog.standing import rivals
from curate.exact import scored
from curate.paging import Ids
from curate.ranker import Ranking, Scores


class Survey(NamedTuple):
    """Undecided images (n,), ascending, and their log odds (n,) of being of the label."""

    ids: Ids
    log_odds: Scores


def survey(ledger: Ledger, store: ArtifactStore, ranking: Ranking, *, encoder_id: str, label_id: int) -> Survey:
    """Score all images that the encoder has embedded and that nobody has decided; a pass over its shards.

    Raises UnknownLabel, ArtifactMissing, ShardDamaged.
    """
    wanted = SearchFilter(undecided=label_id, none_of=rivals(ledger, label_id))
    undecided = matching_images(ledger, wanted)
    return Survey(*scored(ledger, store, encoder_id=encoder_id, image_ids=undecided, score=ranking.scores))
