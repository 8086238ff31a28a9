"""Which version a rollback goes to: the one that stood before, or one that is asked for by its tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from updater.core.history import first_pushed
from updater.core.messages import short
from updater.errors import UsageError
from updater.model import Landing, Target, Version
from updater.protocols import Ranking

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """An entry goes back to `to`. `undoes` is the commit that brought what stands, if only that one is undone."""

    target: Target
    to: Version
    undoes: str | None = None


def before(landings: Mapping[Target, Sequence[Landing]], order: Mapping[Target, Ranking]) -> tuple[Step, ...]:
    """The steps that undo the newest deployment of a service, given what landed in its entries, oldest first.

    What was brought back by a rollback counts as deployed when it came first, so that each further rollback goes
    one version further back. Empty if nothing stood before.
    """
    found = []
    for target, all_landings in landings.items():
        at = _deployed(target.entry.version, all_landings, order[target])
        if at:
            found.append((all_landings[at], Step(target, all_landings[at - 1].version, all_landings[at].commit)))
    newest = max((landing.landed_at, landing.commit) for landing, _ in found) if found else None
    return tuple(step for landing, step in found if (landing.landed_at, landing.commit) == newest)


def to(tag: str, landings: Mapping[Target, Sequence[Landing]]) -> tuple[Step, ...]:
    """The steps that bring a tag back wherever it stood, as it stood last. Raises `UsageError` where it never did."""
    found = []
    for target, all_landings in landings.items():
        stood = [landing.version for landing in all_landings if landing.version.tag == tag]
        if stood and target.entry.version.tag != tag:
            found.append(Step(target, stood[-1]))
    if not found and all(target.entry.version.tag != tag for target in landings):
        newest = [landing for all_landings in landings.values() for landing in all_landings]
        newest.sort(key=lambda landing: landing.landed_at, reverse=True)
        known = list(dict.fromkeys(short(landing.version) for landing in newest))[:_NAMED]
        raise UsageError(f"{tag} never stood there", hint=f"there stood: {', '.join(known)}" if known else None)
    return tuple(found)


def _deployed(version: Version, landings: Sequence[Landing], order: Ranking) -> int:
    """The number of the landing that brought what stands from below; 0 if nothing stood before it.

    A tag that only learned its digest came when the tag did.
    """
    first = first_pushed(landings)
    for at in range(len(landings) - 1, 0, -1):
        here, below = landings[at].version, landings[at - 1].version
        if here not in (version, Version(version.tag)) or below == Version(here.tag):
            continue
        if order.rank(below, first[below]) < order.rank(here, first[here]):
            return at
    return 0
