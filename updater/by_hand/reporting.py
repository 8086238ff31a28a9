"""A gate's result, posted where promotions look for it: on the commits that landed what stands in a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from updater.by_hand.services import Services, services
from updater.core.messages import short
from updater.errors import UsageError
from updater.forge import GATES, Status
from updater.model import Landing, Target, Version
from updater.sight import Sight


@dataclass(frozen=True, slots=True)
class Posted:
    """A commit on which a status was posted, and what of the service landed in it, if that was asked."""

    commit: str
    landed: tuple[tuple[Target, Landing], ...] = ()


def post(sight: Sight, environment: str, service: str, status: Status, commit: str | None = None) -> list[Posted]:
    """Posts a status on each commit that landed a version that stands in the service now; or on one that is named.

    A gate reads it there. Raises `UsageError` where it is not known which commits these are, and `ForgeError`.
    """
    if status.context == GATES:
        raise UsageError(f"{GATES} is what the updater itself reports", hint="give your gate another --context")
    found = services(sight, environment, [service])
    places = _places(sight, found, service) if commit is None else [Posted(commit)]
    for place in places:
        sight.forge().report(place.commit, status)
    return places


def _places(sight: Sight, found: Services, service: str) -> list[Posted]:
    targets = [target for target in found.targets if target.entry.image and target.entry.version != Version()]
    where = f"{service} in {found.environment.name}"
    if not targets:
        raise UsageError(f"no version stands in {where}", hint="give --commit to report on a commit of your choice")
    by_commit: dict[str, list[tuple[Target, Landing]]] = {}
    entries = [target.entry for target in targets]
    for target, landings in zip(targets, sight.catalog.landings(found.branch, found.tip, entries), strict=True):
        newest = _newest(target, landings)
        if newest is None:
            raise UsageError(
                f"history does not tell which commit brought {short(target.entry.version)} of {where}",
                hint="give --commit, the one that is meant",
            )
        by_commit.setdefault(newest.commit, []).append((target, newest))
    return [Posted(commit, tuple(landed)) for commit, landed in by_commit.items()]


def _newest(target: Target, landings: Sequence[Landing]) -> Landing | None:
    """The landing of what stands there."""
    return landings[-1] if landings and landings[-1].version == target.entry.version else None
