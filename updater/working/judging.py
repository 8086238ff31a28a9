"""What became of each item of a batch, as the report of the batch tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from updater.core import retrying
from updater.core.environment import described
from updater.core.waiting import Push, names, push
from updater.errors import ConfigurationError, EditRefused, ForgeError, GitError, RegistryError, UpdaterError
from updater.feeds import Ending, Item
from updater.model import Decision, Outcome
from updater.pipeline import Report

MAX_TRIES = 12
"""How often an item is tried that fails for a reason which does not go away by itself: for more than half an hour."""

_OTHERS_ARE_DOWN = 5
"""A forge or a registry is asked again after the pause of so many tries, about a minute. For the remote the worker
itself rests."""

_WEIGHT = (
    Outcome.REFUSED,
    Outcome.COMMITTED,
    Outcome.PROPOSED,
    Outcome.WAITING,
    Outcome.HELD,
    Outcome.REJECTED,
    Outcome.SUPERSEDED,
    Outcome.UNCHANGED,
    Outcome.IGNORED,
)
_OUTSIDE = frozenset({1, 2, 5, 6})
"""Exit codes of failures that are not the overlay's: the remote, the forge, settings. What was pushed is still good."""


Decided: TypeAlias = Mapping[Push, Sequence[Decision]]
"""The decisions on each push of a batch, by whatever it may be called."""


def decided(report: Report) -> Decided:
    """The decisions of a report by the pushes that they are on."""
    found: dict[Push, list[Decision]] = {}
    for decision in report.decisions:
        for name in names(push(decision.event)) if decision.event is not None else ():
            found.setdefault(name, []).append(decision)
    return found


def ending(item: Item, report: Report, on: Decided, now: datetime, chance: float) -> Ending:
    """What became of an item, given the report of its batch and what was decided `on` its pushes.

    An item is done once everything that was decided on its pushes is on the remote, or is nothing to be done. It is
    tried again where the remote, the forge or the renderer failed, and where no environment can be read at all.
    `chance` is a random number from 0 to 1.
    """
    named = (each for event in item.events for name in names(push(event)) for each in on.get(name, ()))
    mine = list({id(each): each for each in named}.values())
    failure = _failure(mine, report.problems)
    if failure is not None:
        return failed(item, failure, now, chance)
    if not mine:
        return Ending("done", Outcome.IGNORED, "nothing was decided about it")
    first = min(mine, key=lambda each: _WEIGHT.index(each.outcome))
    commits = tuple(dict.fromkeys(each.commit for each in mine if each.commit is not None))
    return Ending("done", first.outcome, first.reason, commits)


def failed(item: Item, error: Exception, now: datetime, chance: float) -> Ending:
    """What becomes of an item that could not be finished: another try, unless there were too many of them already.

    Failures that go away by themselves (`retry`) do not count: an outage sends nobody's event to the dead letters.
    """
    reason = str(error) if isinstance(error, UpdaterError) else f"unexpected: {type(error).__name__}: {error}"
    passes = isinstance(error, UpdaterError) and error.retry
    if item.tries + 1 >= MAX_TRIES and not passes:
        return Ending("dead", "failed", f"{reason} (given up after {item.tries + 1} tries)")
    tries = _OTHERS_ARE_DOWN if passes and isinstance(error, ForgeError | RegistryError) else item.tries
    return Ending("again", "failed", reason, at=now + retrying.pause(tries, chance), counts=not passes)


def may_be_the_mirrors(error: Exception) -> bool:
    """Whether a failure may come from what is kept here of the repository, which opening it again makes anew."""
    return isinstance(error, GitError) and not error.retry if isinstance(error, UpdaterError) else True


def _failure(mine: Sequence[Decision], problems: Sequence[UpdaterError]) -> UpdaterError | None:
    """Why the pushes of these decisions are not finished; None if they are."""
    lost = [each for each in mine if each.outcome is Outcome.REFUSED and (each.retry or each.exit_code in _OUTSIDE)]
    if lost:
        return next((problem for problem in problems if str(problem) == lost[0].reason), UpdaterError(lost[0].reason))
    broken = [each for each in problems if isinstance(each, ConfigurationError) and _is_about_all(each)]
    # What writes nothing was decided on what was last heard of the remote, which nobody has confirmed then.
    unproved = [each for each in problems if isinstance(each, GitError) and each.retry and not _are_there(mine)]
    unplanned = [each for each in problems if each.retry] if not mine else []
    return next(iter((*broken, *unproved, *unplanned)), None)


def _is_about_all(error: ConfigurationError) -> bool:
    """Whether it is about no single file or environment: then nobody knows what is followed at all."""
    return not isinstance(error, EditRefused) and described(error) is None


def _are_there(mine: Sequence[Decision]) -> bool:
    """Whether all that these decisions want is on the remote."""
    return all(each.commit is not None for each in mine)
