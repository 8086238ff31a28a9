"""What is on its way between environments: open pull requests, and promotions that wait, each with what for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from updater.by_hand.pulls import waits_for
from updater.by_hand.services import matches
from updater.core import heads, matching
from updater.core.changes import place_of
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.proposals import Branch
from updater.core.verification import PlannedEdit
from updater.errors import ForgeError, UpdaterError, UsageError
from updater.forge import PullRequest
from updater.model import Decision, Outcome, Version
from updater.planning import Plan, make_plan
from updater.proposing.arranging import Task, tasks
from updater.proposing.outcomes import why_waiting
from updater.protocols import Tree
from updater.reviewing.branches import Review, look
from updater.sight import Sight, no_forge

_KEPT_BACK = (Outcome.WAITING, Outcome.HELD, Outcome.REJECTED, Outcome.REFUSED)


@dataclass(frozen=True, slots=True)
class Pull:
    """An open pull request, what it proposes for which service, and what it waits for, if for anything but a person."""

    pull: PullRequest
    proposes: tuple[tuple[str, Version], ...]
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class Underway:
    """Open pull requests, by number; versions that are kept back from promotions; why the forge could not be asked."""

    pulls: tuple[Pull, ...] = ()
    promotions: tuple[Decision, ...] = ()
    problem: UpdaterError | None = None


def underway(sight: Sight, wanted: Collection[NamedEnvironment], globs: Sequence[str]) -> Underway:
    """What is on its way to the services of these environments that are named, or to all.

    The remote's tips are known. A forge that cannot be asked is told, and hides nothing else; where no environment
    delivers by pull request or waits for statuses it is not asked. Raises `GitError`.
    """
    moving = {each.name: each for each in wanted if each.settings.promote is not None or each.proposes}
    if not moving:
        return Underway()
    asks = any(map(_asks_forge, moving.values()))
    seen = replace(sight, verify=_unverified, forge=sight.forge if asks else no_forge)

    def promoting(configuration: Configuration) -> list[NamedEnvironment]:
        return [each for each in configuration.environments if each.name in moving and each.settings.promote]

    made = make_plan(seen, (), dict, promoting)
    planned = {task.head: task for task in tasks(sight, made)}
    review = _review(sight, made, [each for each in moving.values() if each.proposes])
    found = [_pull(moving, branch, planned.get(branch.head)) for branch in review.branches.values()]
    pulls = [each for each in found if each is not None and _is_wanted(each, globs)]
    kept_back = (
        decision
        for decision in (*_decided(made, planned), *_late(planned.values()))
        if decision.target is not None
        and decision.outcome in _KEPT_BACK
        and (mine := moving.get(decision.target.environment)) is not None
        and mine.settings.promote is not None
        and matches(decision.target.service, globs)
    )
    problem = next(
        (each for each in (review.problem, *made.problems) if isinstance(each, ForgeError | UsageError)), None
    )
    return Underway(
        tuple(sorted(pulls, key=lambda each: each.pull.number)),
        tuple(sorted(kept_back, key=place_of)),
        problem if asks else None,
    )


def _unverified(_tree: Tree, _edit: PlannedEdit) -> None:
    """Nothing is written, so nothing has to be proved."""


def _asks_forge(environment: NamedEnvironment) -> bool:
    promote = environment.settings.promote
    return environment.proposes or (promote is not None and bool(promote.statuses))


def _review(sight: Sight, made: Plan, proposing: Sequence[NamedEnvironment]) -> Review:
    """Our branches of these environments: those that the plan has looked at, if it had to look at all of them."""
    there = [each for each in proposing if sight.repository.tip(each.branch) is not None]
    is_known = made.review.problem is not None or {each.name for each in there} <= made.review.environments.keys()
    return made.review if is_known or not there else look(sight, there)


def _decided(made: Plan, planned: dict[str, Task]) -> Iterator[Decision]:
    """The decisions, with the pull requests that propose these versions already."""
    numbers = {
        (bump.target, bump.decision.to): task.branch.pull.number
        for task in planned.values()
        if task.branch is not None and task.branch.pull is not None
        for bump in task.arrangement.bumps
    }
    for decision in (*made.decisions, *made.left_over):
        number = None if decision.target is None else numbers.get((decision.target, decision.to))
        yield replace(decision, pull_request=number)


def _late(planned: Collection[Task]) -> Iterator[Decision]:
    """Versions that nothing keeps back but a pull request that is open, or how many of them may be."""
    for task in planned:
        pull = None if task.branch is None else task.branch.pull
        number = None if pull is None else pull.number
        for verdict in task.arrangement.waits:
            yield replace(verdict.decision, outcome=Outcome.WAITING, reason=why_waiting(task), pull_request=number)


def _pull(moving: dict[str, NamedEnvironment], branch: Branch, task: Task | None) -> Pull | None:
    about = heads.parsed(branch.head)
    environment = moving.get(about.environment) if about is not None else None
    if branch.pull is None or environment is None:
        return None
    versions = {} if branch.proposed is None else branch.proposed.versions
    places = ((matching.overlay(environment, path), version) for (path, _), version in versions.items())
    proposes = dict.fromkeys((place[1], version) for place, version in places if place is not None)
    return Pull(branch.pull, tuple(proposes), _reason(task) or waits_for(branch.pull))


def _reason(task: Task | None) -> str | None:
    """What the plan says against merging it now."""
    if task is None:
        return None
    if task.arrangement.action == "withdraw":
        return f"the next pass to withdraw it: {task.arrangement.reason}"
    content = None if task.branch is None else task.branch.proposed
    if content is not None and content.strangers:
        return task.arrangement.reason
    return (
        "; ".join(dict.fromkeys(each.decision.reason for each in task.arrangement.bumps if not each.may_land)) or None
    )


def _is_wanted(each: Pull, globs: Sequence[str]) -> bool:
    about = heads.parsed(each.pull.head)
    named = [about.service] if about is not None and about.is_service else [service for service, _ in each.proposes]
    return not named or any(matches(service, globs) for service in named)
