"""Looking through a label once more: its images in the order that brings the wrong ones first, a page at a time."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from catalog.artifacts import ArtifactError, ArtifactStore
from catalog.encoders import Encoder, serving_encoder
from catalog.hits import Hit, describe_images
from catalog.label_overlap import also_labelled, overlaps
from catalog.label_review import LabelImages, images_of_label, newest_event
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from catalog.shards import ShardDamaged
from curate.paging import Ids
from curate.ranked import Ranked, rank
from curate.ranker import Scores
from curate.review_others import read_others, read_vectors, rival_labels, seeded

log = logging.getLogger(__name__)

Sort = Literal["doubt", "unlike", "newest"]
KEPT = 8  # verdicts, of 5 MB each
# A verdict holds good until this many decisions came after it, or this share of the label's images.
STALE_EVENTS, STALE_SHARE = 200, 0.1


@dataclass(frozen=True)
class ReviewPage:
    """A page of a label: `total` images are in the list that it is a part of, `labelled` are the label, `reviewed` of
    them were looked at. `unranked` of the list have no vector of the encoder: they come last. took_ms: stage -> ms.
    """

    label_id: int
    encoder_id: str | None
    hits: list[Hit]
    total: int
    labelled: int
    reviewed: int
    unranked: int
    took_ms: dict[str, float]


class Reviewer:
    """Pages of any number of labels; what it keeps in memory can be had again from ledger and shards."""

    def __init__(self, ledger: Ledger, store: ArtifactStore) -> None:
        self._ledger, self._store = ledger, store
        self._ranked: dict[int, Ranked] = {}
        self._judging = threading.Lock()

    def page(
        self, label_id: int, *, sort: Sort = "doubt", offset: int = 0, limit: int = 60, everything: bool = False
    ) -> ReviewPage:
        """The images from `offset` on that nobody has looked at yet, or, with `everything`, of all of them.

        Raises UnknownLabel; and, but for "newest", ArtifactMissing and ShardDamaged.
        """
        started = time.perf_counter()
        newest = newest_event(self._ledger)
        listed = images_of_label(self._ledger, label_id)
        took = {"list": _ms(started)}
        before = time.perf_counter()
        encoder = serving_encoder(self._ledger)
        ranked = None if encoder is None else self._opinion(encoder, listed, newest, sort)
        took["rank"] = _ms(before)
        wanted = np.ones(len(listed.ids), np.bool_) if everything else ~listed.reviewed
        ids = listed.ids[wanted]
        scores, likeness = ranked.aligned(ids) if ranked is not None else _unknown(ids)
        # The newest are listed first already; what has no vector comes last, the newest first.
        order = np.arange(len(ids))
        if sort == "doubt":
            order = np.lexsort((scores, ~np.isin(ids, self._contradicted(listed))))
        elif sort == "unlike":
            order = np.argsort(likeness, kind="stable")
        before = time.perf_counter()
        top = order[offset : offset + limit]
        scored = [(int(ids[at]), float(np.nan_to_num(likeness[at]))) for at in top]
        hits = describe_images(self._ledger, scored, SearchFilter(label_ids=(listed.label_id,)))
        took["describe"] = _ms(before)
        took["total"] = _ms(started)
        return ReviewPage(
            label_id=listed.label_id,
            encoder_id=encoder.id if encoder else None,
            hits=hits,
            total=len(ids),
            labelled=len(listed.ids),
            reviewed=int(listed.reviewed.sum()),
            unranked=int(np.isnan(scores).sum()),
            took_ms=took,
        )

    def _contradicted(self, listed: LabelImages) -> Ids:
        """Images that carry a label besides that hardly ever goes with this one: one of the two is likely wrong."""
        rivals = rival_labels(overlaps(self._ledger, listed.label_id), len(listed.ids))
        return np.array(also_labelled(self._ledger, listed.label_id, rivals), np.int64)

    def _opinion(self, encoder: Encoder, listed: LabelImages, newest: int, sort: Sort) -> Ranked | None:
        try:
            return self._rank(encoder, listed, newest)
        except (ArtifactError, ShardDamaged) as error:
            if sort != "newest":
                raise
            log.warning("label %d is not ranked: %s", listed.label_id, error)
            return None

    def _rank(self, encoder: Encoder, listed: LabelImages, newest: int) -> Ranked | None:
        """What was thought before, as long as it holds good, with what has come since; None without any vector."""
        read = partial(read_vectors, self._ledger, self._store, encoder_id=encoder.id)
        with self._judging:
            have = self._ranked.pop(listed.label_id, None)
            if have is None or _is_stale(have, encoder.id, listed.ids, newest):
                have = rank(
                    listed.ids,
                    encoder_id=encoder.id,
                    event_id=newest,
                    read=read,
                    others=partial(
                        read_others, self._ledger, self._store, encoder_id=encoder.id, label_id=listed.label_id
                    ),
                    rng=seeded(encoder.id, listed.label_id),
                )
            elif len(np.setdiff1d(listed.ids, have.ids)):
                have = have.with_more(listed.ids, read)
            if have is not None:
                self._ranked[listed.label_id] = have
            while len(self._ranked) > KEPT:
                self._ranked.pop(next(iter(self._ranked)))
            return have


def _unknown(ids: Ids) -> tuple[Scores, Scores]:
    nothing = np.full(len(ids), np.nan, np.float32)
    return nothing, nothing


def _is_stale(have: Ranked, encoder_id: str, images: Ids, newest: int) -> bool:
    many = max(STALE_EVENTS, int(STALE_SHARE * len(images)))
    fresh = np.setdiff1d(np.setdiff1d(images, have.ids), have.missing)
    return have.encoder_id != encoder_id or newest - have.event_id > many or len(fresh) > many


def _ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000
