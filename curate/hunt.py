"""One hunt, step by step: what has been decided so far in, what to look at next out."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.errors import HuntChanged
from catalog.held_vectors import MOST_ROWS
from catalog.hits import Hit
from catalog.hunts import Hunt, get_hunt, save_hunt
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from catalog.standing import count_yes, rivals, standing_of
from curate import hunt_state
from curate.above_line import DRAWN, Above, NoLine, above_line
from curate.candidates import Candidates
from curate.estimate import Estimate, Judged, draw_check, estimate_remaining
from curate.folding import BELOW, Folder, Folds, first_tiles
from curate.hunt_examples import Embed, ExampleReader
from curate.hunt_state import HuntState
from curate.paging import Ids, Paging, Step
from curate.proposal import EVIDENCE, Proposal, cut_of, has_line, odds_of
from curate.ranker import Ranking, fit
from curate.survey import survey

RANKINGS_KEPT = 64  # of the last hunts in use: where to start the next fit from
SAVES = 3  # of a state that two people's pages write at the same time


class NothingToAccept(Exception):
    """The run that was agreed to is not on offer any more: somebody has decided since, or the encoder is another."""


class Hunter:
    """Proposes the steps of any number of hunts; keeps nothing that cannot be had again from the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        index: VectorIndex,
        store: ArtifactStore,
        *,
        embed: Embed,
        serving: Callable[[], Encoder],
        compare_up_to: int = MOST_ROWS,
        folder: Folder | None = None,
    ) -> None:
        """`embed` turns the picture under an artifact key into (encoder id, vector (d,)); see `serving_encoder`.

        Up to so many images all are compared; past that the index is asked. A `folder` that others use too has read
        more of the thumbnails already.
        """
        self._ledger, self._store = ledger, store
        self._serving = serving
        self._examples = ExampleReader(ledger, store, embed=embed)
        self._candidates = Candidates(ledger, index, store, compare_up_to=compare_up_to)
        self._folder = folder or Folder(ledger, store)
        self._rankings: dict[tuple[str, str], Ranking] = {}
        self._random = np.random.default_rng()

    def propose(self, hunt_id: str, *, fold: bool = False) -> Proposal:
        """What comes next; the answers so far are read from the ledger. `fold`: a page is as many tiles, not images.

        Raises UnknownHunt, NoPositives, IndexUnavailable, CollectionMissing.
        """
        for attempt in range(SAVES):
            try:
                return self._propose(get_hunt(self._ledger, hunt_id), fold=fold)
            except HuntChanged:
                if attempt == SAVES - 1:
                    raise
        raise AssertionError("unreachable")

    def check(self, hunt_id: str, *, fold: bool = False) -> Proposal:
        """Images drawn at random, most where they tell most, for an estimate of what is unfound; errors as above."""
        started = time.perf_counter()
        hunt, encoder, state, ranking = self._now(hunt_id)
        surveyed = survey(self._ledger, self._store, ranking, encoder_id=encoder.id, label_id=hunt.label_id)
        if not len(surveyed.ids):
            took = {"total": _ms(started)}
            return Proposal("end", state.token, encoder.id, [], None, 0, 0, 0.0, len(state.checked), took)
        places = draw_check(surveyed.log_odds, self._judged(hunt, state.shown), rng=self._random)
        order = np.argsort(-surveyed.log_odds[places], kind="stable")
        step = Step("check", surveyed.ids[places][order])
        hits = self._examples.hits(hunt, encoder, ranking, step.ids)
        token = secrets.token_urlsafe(8)
        odds = tuple(surveyed.log_odds[places][order].tolist())
        self._save(hunt, replace(state, open=step, token=token, odds=odds))
        folds = self._folder.folds(hits) if fold else ()
        took = {"total": _ms(started)}
        checked = len(state.checked)
        return Proposal("check" if hits else "end", token, encoder.id, hits, None, 0, 0, 0.0, checked, took, folds)

    def estimate(self, hunt_id: str) -> Estimate | None:
        """How many are unfound, None before anything was checked; a pass over all embeddings. Errors as above."""
        hunt, encoder, state, ranking = self._now(hunt_id)
        if not state.checked:
            return None
        surveyed = survey(self._ledger, self._store, ranking, encoder_id=encoder.id, label_id=hunt.label_id)
        shown, checked = self._judged(hunt, state.shown), self._judged(hunt, state.checked)
        found = count_yes(self._ledger, hunt.label_id)
        return estimate_remaining(surveyed.log_odds, shown=shown, checked=checked, found=found)

    def above(self, hunt_id: str) -> Above:
        """All undecided images above the line; a pass over all embeddings. NoLine, and errors as above."""
        hunt, encoder = get_hunt(self._ledger, hunt_id), self._serving()
        ranking, known = self._ranking(hunt, encoder, {})
        if not has_line(ranking, known):
            raise NoLine(known, needed=EVIDENCE)
        match = above_line(self._ledger, self._store, ranking, hunt=hunt, encoder_id=encoder.id)
        drawn = self._random.permutation(match.ids)[:DRAWN]
        return Above(match, self._examples.hits(hunt, encoder, ranking, drawn))

    def _now(self, hunt_id: str) -> tuple[Hunt, Encoder, HuntState, Ranking]:
        hunt, encoder = get_hunt(self._ledger, hunt_id), self._serving()
        state = self._answered(hunt, hunt_state.load(hunt.state, self._store, hunt.id, encoder_id=encoder.id))
        return hunt, encoder, state, self._ranking(hunt, encoder, {})[0]

    def _judged(self, hunt: Hunt, scored: tuple[tuple[int, float], ...]) -> Judged:
        """Those of the images that are decided today, with what they were decided to be."""
        standing = standing_of(self._ledger, hunt.label_id, [image_id for image_id, _ in scored])
        kept = [(image_id, odds) for image_id, odds in scored if image_id not in standing.open]
        ids = np.array([image_id for image_id, _ in kept], np.int64)
        return Judged(np.array([odds for _, odds in kept], np.float32), standing.flags(ids))

    def accepted(self, hunt_id: str, token: str) -> Ids:
        """The images of the run on offer under this token that are undecided still; raises NothingToAccept."""
        hunt = get_hunt(self._ledger, hunt_id)
        _, step = self._offer(hunt, token)
        standing = standing_of(self._ledger, hunt.label_id, step.ids.tolist())
        return np.array([one for one in step.ids.tolist() if one in standing.open], np.int64)

    def close_offer(self, hunt_id: str, token: str, *, agreed: bool) -> None:
        """Go on after the run on offer was agreed to or declined; an offer that is gone already is no error."""
        for _ in range(SAVES):
            hunt = get_hunt(self._ledger, hunt_id)
            # Where another page keeps saving first, the next step finds out by itself: it looks at what was decided.
            with contextlib.suppress(HuntChanged, NothingToAccept):
                state, step = self._offer(hunt, token)
                paging = state.paging.after(step, np.array([agreed]))
                after = state.after(step.ids, paging) if agreed else replace(state, paging=paging, open=None)
                self._save(hunt, after)
                return

    def _offer(self, hunt: Hunt, token: str) -> tuple[HuntState, Step]:
        state = hunt_state.load(hunt.state, self._store, hunt.id, encoder_id=self._serving().id)
        if state.open is None or state.open.kind != "accept" or state.token != token or state.paging.jump is None:
            raise NothingToAccept
        _, step = state.paging.next_step(state.paging.jump.ranked)
        if step is None or step.kind != "accept":
            raise NothingToAccept
        return state, step

    def _propose(self, hunt: Hunt, *, fold: bool) -> Proposal:
        started = time.perf_counter()
        took: dict[str, float] = {}
        encoder = self._serving()
        state = self._answered(hunt, hunt_state.load(hunt.state, self._store, hunt.id, encoder_id=encoder.id))
        ranking, known = self._ranking(hunt, encoder, took)
        paging, step, hits = self._next(hunt, encoder, state.paging, ranking, took, also=BELOW if fold else 0)
        folds: Folds = ()
        if fold and step is not None:
            step, hits, folds = self._folded(step, hits, tiles=paging.page, took=took)
        before = state.paging.jump
        if paging.jump is not None and (before is None or before.ranked is not paging.jump.ranked):
            hunt_state.save_ranked(self._store, hunt.id, paging.jump.ranked)
        token = secrets.token_urlsafe(8)
        odds = odds_of(ranking, hits) if step is not None and step.kind == "page" and len(step.ids) == len(hits) else ()
        self._save(hunt, replace(state, paging=paging, open=step, token=token, encoder_id=encoder.id, odds=odds))
        took["total"] = _ms(started)
        if step is None:
            return Proposal("end", token, encoder.id, [], None, 0, 0, 0.0, len(state.checked), took)
        return Proposal(
            kind=step.kind,
            token=token,
            encoder_id=encoder.id,
            hits=hits,
            cut=cut_of(ranking, hits, known) if step.kind == "page" else None,
            run=step.run,
            count=len(step.ids) if step.kind == "accept" else 0,
            wrong=step.wrong,
            checked=len(state.checked),
            took_ms=took,
            folds=folds,
            line=has_line(ranking, known),
        )

    def _folded(
        self, step: Step, hits: list[Hit], *, tiles: int, took: dict[str, float]
    ) -> tuple[Step, list[Hit], Folds]:
        """The step with its near-identical images folded. A page takes in more images, until it is full of tiles."""
        before = time.perf_counter()
        folds = self._folder.folds(hits)
        if step.kind == "page":
            hits, folds = first_tiles(hits, folds, tiles=tiles)
            ids = np.array([hit.image_id for hit in hits], np.int64)
            step = replace(step, ids=ids, ranks=tuple(range(len(ids))))
        took["fold"] = _ms(before)
        return step, hits, folds

    def _next(
        self,
        hunt: Hunt,
        encoder: Encoder,
        paging: Paging,
        ranking: Ranking,
        took: dict[str, float],
        *,
        also: int,
    ) -> tuple[Paging, Step | None, list[Hit]]:
        """The next step that has something undecided in it, with its images described, and so many below its page."""
        wanted = SearchFilter(undecided=hunt.label_id, none_of=rivals(self._ledger, hunt.label_id))
        ask = partial(self._candidates.best, encoder=encoder, ranking=ranking, wanted=wanted)
        while True:
            before = time.perf_counter()
            ranked, hits = (
                ask(paging.reach, page=paging.page, also=also) if paging.reach else (np.empty(0, np.int64), [])
            )
            took["search"] = took.get("search", 0.0) + _ms(before)
            paging, step = paging.next_step(ranked)
            if step is None or (step.kind == "page" and hits):
                return paging, step, hits
            # Somebody may have decided some of these since the list was made; where all are, the answer is known.
            standing = standing_of(self._ledger, hunt.label_id, step.ids.tolist())
            left = step.ids[[one in standing.open for one in step.ids.tolist()]]
            if not len(left):
                flags = np.array([True]) if step.kind == "accept" else standing.flags(step.ids)
                paging = paging.after(step, flags)
            elif step.kind == "accept":
                return paging, replace(step, ids=left), []
            else:
                return paging, step, self._examples.hits(hunt, encoder, ranking, left)

    def _answered(self, hunt: Hunt, state: HuntState) -> HuntState:
        """The state after what was decided of the open step. What nobody has decided of it stays out of account.

        Where nothing was, and what was decided of the steps before it was taken back, the hunt goes back to them.
        """
        step = state.open
        if step is None or step.kind == "accept":
            return self._taken_back(hunt, state)
        standing = standing_of(self._ledger, hunt.label_id, step.ids.tolist())
        places = [place for place, one in enumerate(step.ids.tolist()) if one not in standing.open]
        if not places:
            return self._taken_back(hunt, state)
        seen = tuple((int(step.ids[place]), state.odds[place]) for place in places if place < len(state.odds))
        if step.kind == "check":
            return replace(state, open=None, checked=(*state.checked, *seen))
        if step.kind == "page":
            state = replace(state, shown=(*state.shown, *seen))
        ranks = tuple(step.ranks[place] for place in places)
        decided = replace(step, ids=step.ids[places], ranks=ranks if step.kind == "sample" else step.ranks)
        return state.after(decided.ids, state.paging.after(decided, standing.flags(decided.ids)))

    def _taken_back(self, hunt: Hunt, state: HuntState) -> HuntState:
        while state.before:
            ids = state.before[-1].ids
            # Most of them: a few may have been decided by others too, before or since.
            if 2 * len(standing_of(self._ledger, hunt.label_id, ids).open) <= len(ids):
                break
            state = state.back()
        return replace(state, open=None)

    def _ranking(self, hunt: Hunt, encoder: Encoder, took: dict[str, float]) -> tuple[Ranking, int]:
        """What is fitted to all that is known, and how many images or pictures are known to be of the label."""
        before = time.perf_counter()
        examples = self._examples.read(hunt, encoder)
        took["examples"] = _ms(before)
        before = time.perf_counter()
        key = (hunt.id, encoder.id)
        ranking = fit(examples, before=self._rankings.pop(key, None))
        self._rankings[key] = ranking
        while len(self._rankings) > RANKINGS_KEPT:
            self._rankings.pop(next(iter(self._rankings)), None)
        took["fit"] = _ms(before)
        return ranking, len(examples.positives)

    def _save(self, hunt: Hunt, state: HuntState) -> None:
        save_hunt(self._ledger, hunt.id, version=hunt.version, state=hunt_state.dump(state))


def _ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000
