"""Those who use Ruiji during a run, all of them: how they end, and what they were refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.under_fire.clients import Client
from bench.under_fire.labellers import Labeller

People = Sequence[Client | Labeller]


def bring_to_end(people: People, *, within_s: float) -> None:
    """Wait for each of them, who was told to stop before. RuntimeError for one that failed or hangs."""
    for one in people:
        one.join(timeout=within_s)
        if one.failure is not None:
            raise RuntimeError(f"{one.name}: {one.failure!r}") from one.failure
        if one.is_alive():
            raise RuntimeError(f"{one.name} was told to stop, and goes on {within_s:.0f} s later")


def done_by(people: People) -> dict[str, int]:
    """How many of what was done and refused, by kind."""
    done: Counter[str] = Counter()
    for one in people:
        if isinstance(one, Labeller):
            done.update(sent.kind for sent in one.journal)
            done.update({f"label change refused with {status}": n for status, n in one.refused.items()})
        else:
            done.update(one.done)
    return dict(done)


def internal_errors(people: People) -> int:
    """Answers of 500: what was struck may be away, which is a 503 or 507; a 500 is a fault of ours."""
    return sum(one.refused[500] if isinstance(one, Labeller) else one.done["refused with 500"] for one in people)
