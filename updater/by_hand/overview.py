"""What stands in all environments, what is held, what waits: the answer of `updater status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from updater.by_hand.services import Services, environments, known_names, recalled, services
from updater.core import graph
from updater.core.stops import Stop, stop
from updater.errors import BranchMissing, UpdaterError
from updater.keeping import kept
from updater.model import Event, Target
from updater.sight import Sight


@dataclass(frozen=True, slots=True)
class EntryStatus:
    """An entry with its past, and what stops new versions of it now."""

    target: Target
    stopped: Stop | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Every entry that was asked about, by environment in the order of promotions; pushes that wait; what is broken."""

    entries: tuple[EntryStatus, ...]
    waiting: Mapping[str, tuple[Event, ...]]
    problems: tuple[UpdaterError, ...]


def overview(sight: Sight, only: str | None, globs: Sequence[str]) -> Overview:
    """What stands where, in one environment or all, for some services or all. Raises `UsageError`."""
    known, errors = environments(sight)
    asked = known_names(sight, globs) if only is None else {only: globs}
    names = graph.stages({name: each.settings for name, each in known.items()}) if only is None else [only]
    problems: list[UpdaterError] = list(errors)
    entries: list[EntryStatus] = []
    for name in names:
        if name not in asked:
            continue
        try:
            found = services(sight, name, asked[name])
        except BranchMissing as error:
            problems.append(error)
            continue
        problems += found.problems
        entries += _entries(sight, found)
    waiting = {name: events for name, events in kept(sight).items() if only in (None, name)}
    return Overview(tuple(entries), waiting, tuple(problems))


def _entries(sight: Sight, found: Services) -> list[EntryStatus]:
    now = sight.clock.now()
    return [
        EntryStatus(target, stop(found.environment, target.service, target.entry.image or "", now))
        for target, _ in recalled(sight, found)
    ]
