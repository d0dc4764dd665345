"""Where a hunt is in its pages, as plain JSON in the ledger, so that it goes on after a reload and a restart."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from catalog.artifacts import ArtifactMissing, ArtifactStore
from curate.estimate import CHECKS, RECENT
from curate.paging import Ids, Jump, Paging, Step

FORMAT = 3
MOST_CHECKED = 2 * CHECKS  # older ones tell of rankings that knew less
MOST_BEFORE = 8  # steps that can be gone back to; whoever takes back more goes on from the best page
FEW = 60  # images by which a step is known again: what is decided at once is taken back at once


@dataclass(frozen=True)
class Answered:
    """A step that was answered: a few of its images that were decided, and the paging that it belonged to."""

    ids: tuple[int, ...]
    paging: Paging


@dataclass(frozen=True)
class HuntState:
    """`open` is the step that was proposed last and `token` its name; a jump holds good for one encoder only.

    `odds` are the log odds of the open step's images, `shown` and `checked` those of the pages and of the random checks
    before (the last RECENT and MOST_CHECKED): by the rankings of that time, which had not learned from them yet.
    `before` are the last steps that were answered: the hunt goes back to them when their decisions are taken back.
    """

    paging: Paging
    open: Step | None = None
    token: str = ""
    encoder_id: str = ""
    odds: tuple[float, ...] = ()
    shown: tuple[tuple[int, float], ...] = ()
    checked: tuple[tuple[int, float], ...] = ()
    before: tuple[Answered, ...] = ()

    def after(self, ids: Ids, paging: Paging) -> HuntState:
        """The state when these images of the open step were decided, and the hunt goes on with this paging."""
        answered = Answered(tuple(ids[:FEW].tolist()), self.paging)
        return replace(self, paging=paging, open=None, before=(*self.before, answered)[-MOST_BEFORE:])

    def back(self) -> HuntState:
        """The state before the last step that was answered."""
        return replace(self, paging=self.before[-1].paging, open=None, before=self.before[:-1])


def ranked_key(hunt_id: str) -> str:
    """The artifact that holds the ranked list of a hunt's jump, up to 16,000 ids."""
    return f"jumps/{hunt_id}"  # not below `hunts/`, where doctor looks for pictures that no hunt names


def dump(state: HuntState) -> dict[str, Any]:
    """The state as JSON, without the ranked list of its jump."""
    paging, step = state.paging, state.open
    return {
        "format": FORMAT,
        "encoder": state.encoder_id,
        "token": state.token,
        "paging": _paging_out(paging),
        "jump": paging.jump and _jump_out(paging.jump),
        "before": [
            {
                "ids": list(one.ids),
                "paging": _paging_out(one.paging),
                "jump": one.paging.jump and {**_jump_out(one.paging.jump), "of": _sum(one.paging.jump.ranked)},
            }
            for one in state.before
        ],
        # An accepted run is the ranked list without what was looked at: thousands of ids are not written down twice.
        "open": step
        and {
            "kind": step.kind,
            "ids": [] if step.kind == "accept" else step.ids.tolist(),
            "ranks": list(step.ranks),
            "run": step.run,
            "wrong": step.wrong,
            "odds": [round(one, 3) for one in state.odds],
        },
        "shown": [[image_id, round(odds, 3)] for image_id, odds in state.shown[-RECENT:]],
        "checked": [[image_id, round(odds, 3)] for image_id, odds in state.checked[-MOST_CHECKED:]],
    }


def load(state: Mapping[str, Any], store: ArtifactStore, hunt_id: str, *, encoder_id: str) -> HuntState:
    """The state that `dump` wrote. A jump of another encoder, or one whose list is lost, is given up for a page."""
    if state.get("format") != FORMAT:
        return HuntState(Paging(), encoder_id=encoder_id)
    paging = Paging(**state["paging"])
    made = HuntState(paging, encoder_id=encoder_id)
    if state["encoder"] != encoder_id:
        return made  # odds and ranks are the other encoder's
    shown, checked = (tuple((image_id, odds) for image_id, odds in state[name]) for name in ("shown", "checked"))
    before = state.get("before", [])  # not there in a hunt of before this was kept
    jumps = state["jump"] is not None or any(one["jump"] for one in before)
    ranked = load_ranked(store, hunt_id) if jumps else None
    made = replace(
        made,
        token=state["token"],
        shown=shown,
        checked=checked,
        before=tuple(Answered(tuple(one["ids"]), _paging_in(one, ranked)) for one in before),
    )
    if state["jump"] is not None:
        if ranked is None:
            return made
        made = replace(made, paging=replace(paging, jump=_jump(state["jump"], ranked)))
    step = state["open"]
    if step is None or (state["jump"] is None and step["kind"] not in ("page", "check")):
        return made
    ids = np.array(step["ids"], np.int64)
    opened = Step(step["kind"], ids, tuple(step["ranks"]), step["run"], step["wrong"])
    return replace(made, open=opened, odds=tuple(step["odds"]))


def _paging_out(paging: Paging) -> dict[str, Any]:
    return {
        "page": paging.page,
        "jumps": paging.jumps,
        "good_pages": paging.good_pages,
        "needed": paging.needed,
    }


def _paging_in(kept: Mapping[str, Any], ranked: Ids | None) -> Paging:
    """Without its jump, if another list has been ranked since."""
    paging, jump = Paging(**kept["paging"]), kept["jump"]
    if jump is None or ranked is None or jump["of"] != _sum(ranked):
        return paging
    return replace(paging, jump=_jump(jump, ranked))


def _sum(ranked: Ids) -> int:
    return zlib.crc32(ranked.tobytes())


def _jump_out(jump: Jump) -> dict[str, Any]:
    return {
        "low": jump.low,
        "high": jump.high,
        "probed": sorted(jump.probed),
        "sampled": list(jump.sampled),
        "sampled_good": list(jump.sampled_good),
    }


def _jump(kept: Mapping[str, Any], ranked: Ids) -> Jump:
    return Jump(
        ranked,
        kept["low"],
        kept["high"],
        frozenset(kept["probed"]),
        tuple(kept["sampled"]),
        tuple(kept["sampled_good"]),
    )


def save_ranked(store: ArtifactStore, hunt_id: str, ranked: Ids) -> None:
    """Keep the ranked list of a jump."""
    buffer = io.BytesIO()
    np.save(buffer, ranked, allow_pickle=False)
    store.put(ranked_key(hunt_id), buffer.getvalue(), durable=False)


def load_ranked(store: ArtifactStore, hunt_id: str) -> Ids | None:
    """The ranked list, None if it is lost or was cut short."""
    try:
        ranked = np.load(io.BytesIO(store.get(ranked_key(hunt_id))), allow_pickle=False)
    except (ArtifactMissing, ValueError, EOFError):
        return None
    return ranked if ranked.dtype == np.int64 and ranked.ndim == 1 else None
