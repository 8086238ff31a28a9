"""What stands in all environments, what is held, what waits: the answer of `updater status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from updater.by_hand.services import Services, environments, known_names, recalled, services
from updater.by_hand.underway import Underway, underway
from updater.core import graph
from updater.core.stops import Stop, stop
from updater.errors import BranchMissing, ForgeError, UpdaterError
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
    """Every entry that was asked about, by environment in the order of promotions; pushes that wait; what is broken.

    `underway` are open pull requests and promotions that wait; `doubts` are what could not be asked, and need not be.
    """

    entries: tuple[EntryStatus, ...]
    waiting: Mapping[str, tuple[Event, ...]]
    problems: tuple[UpdaterError, ...]
    underway: Underway = Underway()
    doubts: tuple[UpdaterError, ...] = ()


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
    mine = [known[name] for name in names if name in asked and name in known]
    moving = underway(sight, mine, globs)
    doubts: tuple[UpdaterError, ...] = ()
    if moving.problem is not None and any(each.proposes for each in mine):
        problems.append(_of_forge(moving.problem))
    elif moving.problem is not None:
        doubts = (moving.problem,)
    return Overview(tuple(entries), waiting, tuple(problems), moving, doubts)


def _of_forge(error: UpdaterError) -> ForgeError:
    """What is wrong with the forge, which it is too where none is known."""
    return error if isinstance(error, ForgeError) else ForgeError(error.message, at=error.at, hint=error.hint)


def _entries(sight: Sight, found: Services) -> list[EntryStatus]:
    now = sight.clock.now()
    return [
        EntryStatus(target, stop(found.environment, target.service, target.entry.image or "", now))
        for target, _ in recalled(sight, found)
    ]
