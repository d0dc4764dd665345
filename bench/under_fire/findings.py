"""What a check of a run has found, by its weight: something lost, something there twice, or something wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class Findings:
    """`checked`: how many of each thing were looked at, the N of '0 lost in N'."""

    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int) -> None:
        """So many of these were looked at."""
        self.checked[what] = self.checked.get(what, 0) + number

    def take(self, other: Findings) -> None:
        """And what another check has found."""
        self.lost += other.lost
        self.duplicates += other.duplicates
        self.wrong += other.wrong
        self.checked |= other.checked

    def all(self) -> list[str]:
        """Every finding."""
        return [*self.lost, *self.duplicates, *self.wrong]


def bounds(checked: Mapping[str, int]) -> dict[str, float]:
    """The 95 % bound for the share that is lost, where none of N was: 3 / N (the rule of three), which needs more."""
    return {what: 3 / number for what, number in checked.items() if number > 3}


def of_labels(found: Iterable[str]) -> Findings:
    """What the check of the labels says, sorted."""
    sorted_ = Findings()
    for text in found:
        if "is not there" in text or "is gone" in text or "differ" in text:
            sorted_.lost.append(text)
        elif "twice" in text:
            sorted_.duplicates.append(text)
        else:
            sorted_.wrong.append(text)
    return sorted_
