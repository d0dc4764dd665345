"""Groups of classes to report on: given on the command line, or known for the classes of CIFAR-10 and STL-10."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deploy.evaluation.errors import NoEvaluation

KNOWN = {
    "vehicle": frozenset(("airplane", "automobile", "car", "ship", "truck")),
    "animal": frozenset(("bird", "cat", "deer", "dog", "frog", "horse", "monkey")),
}


def chosen_groups(given: Sequence[str], classes: Iterable[str]) -> dict[str, list[str]]:
    """From `NAME=class,class` each; with none given, vehicles and animals if every class is known to be one of them.

    Raises NoEvaluation for a class that is not there.
    """
    there = set(classes)
    if not given:
        known = {name: sorted(there & members) for name, members in KNOWN.items()}
        return known if there <= frozenset().union(*KNOWN.values()) else {}
    groups = {}
    for one in given:
        name, _, members = (part.strip() for part in one.partition("="))
        listed = [member.strip() for member in members.split(",") if member.strip()]
        if not name or not listed:
            raise NoEvaluation(f"--group {one!r} is not NAME=class,class; an example: --group vehicle=car,truck")
        if unknown := sorted(set(listed) - there):
            raise NoEvaluation(f"--group {name}: there is no class {', '.join(unknown)}; there are {_some(there)}")
        groups[name] = listed
    return groups


def numbered(groups: Mapping[str, Sequence[str]], classes: Sequence[str]) -> dict[str, list[int]]:
    """Groups by the numbers of their classes."""
    number = {name: place for place, name in enumerate(classes)}
    return {name: [number[one] for one in members if one in number] for name, members in groups.items()}


def _some(names: set[str]) -> str:
    shown = sorted(names)[:20]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
