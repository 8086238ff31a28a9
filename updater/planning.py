"""What pushed images call for on the newest known tips: decisions, and the changes that carry them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from updater.core import matching, stops
from updater.core.changes import Change, Verify, make_changes, place_of, target_of
from updater.core.decide import decide
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.matching import Followed
from updater.core.not_yet import not_yet
from updater.core.waiting import REFS, Waiting
from updater.errors import BranchMissing, ConfigurationError, UpdaterError
from updater.left_over import left_over, orphans
from updater.model import Decision, Event, Hold, Outcome
from updater.protocols import Catalog, Clock, Repository, Tree
from updater.survey import ConfigurationAt, Hit, recalled, survey

ReadConfiguration = Callable[[Tree, str], Configuration]
"""Reads the environments from the files of a commit or folder, given the remote's default branch."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What plans are made with: the repository as it was last heard of, how to read and prove it, and the time."""

    repository: Repository
    catalog: Catalog
    configuration: ReadConfiguration
    verify: Verify
    clock: Clock


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen on these tips (branch to commit): the decisions, and the changes that carry out the bumps.

    `left_over` are the decisions for events that no entry takes. `problems` belong to no decision. `woken` are the
    waiting pushes that were decided on again, by environment.
    """

    tips: Mapping[str, str]
    decisions: tuple[Decision, ...]
    left_over: tuple[Decision, ...]
    changes: tuple[Change, ...]
    problems: tuple[UpdaterError, ...]
    woken: Waiting = field(default_factory=dict)

    def is_proved_by_pushing(self) -> bool:
        """Whether a push of the changes alone shows that what it was made on is still the remote's.

        With several branches it does not: one may land although another, with the configuration maybe, has moved.
        """
        return len(self.tips) == 1 and bool(self.changes)


def make_plan(sight: Sight, events: Sequence[Event], wake: Callable[[], Waiting]) -> Plan:
    """Decides on merged events, edits and verifies. Writes nothing. Raises `GitError`.

    `wake` gives the pushes that had to wait and are to be decided on again, as last heard of the remote.
    """
    repository, heard = sight.repository, _heard(sight.repository)
    default = repository.default_branch
    tip = tip_of(repository, default)
    configuration = sight.configuration(repository.tree(tip), default)
    waiting = wake()
    known = {environment.name for environment in configuration.environments}
    awake = {name: kept for name, kept in waiting.items() if name in known}
    followed = matching.followed(configuration.environments, events, awake)
    missing = missing_branches(repository, [match.environment for match in followed])
    if heard != _heard(repository):
        return make_plan(sight, events, wake)  # asking for missing branches brought more news
    reachable = tuple(match for match in followed if match.environment.branch not in missing)
    found = survey(repository, sight.catalog, configuration.environments, reachable)
    hits = recalled(repository, sight.catalog, found.hits, past_configurations(sight))
    now = sight.clock.now()
    decisions = [decision for hit in hits for decision in _decide(hit, now)]
    tips = {branch: tip_of(repository, branch) for branch in (default, *_branches(reachable))}
    settled, changes = _carry_out(sight, configuration, tips, decisions)
    there = {each.name for each in configuration.environments if each.branch not in missing}
    unread = {(each.followed.environment.name, each.followed.image) for each in found.unreadable}
    return Plan(
        tips,
        tuple(settled),
        (*left_over(events, awake, followed, found, missing), *orphans(waiting, known)),
        tuple(changes),
        (*configuration.errors, *missing.values()),
        {
            name: tuple(event for event in kept if (name, event.image) not in unread)
            for name, kept in awake.items()
            if name in there
        },
    )


def _heard(repository: Repository) -> tuple[str, dict[str, str | None]]:
    """The default branch, and the tips of all that a plan is made of before it is known which branches it is about."""
    default = repository.default_branch
    return default, {name: repository.tip(name) for name in (default, *repository.names(REFS))}


def past_configurations(sight: Sight) -> ConfigurationAt:
    """Reads the environments as they were when a hold began."""
    repository, default = sight.repository, sight.repository.default_branch

    def read(branch: str, hold: Hold) -> Configuration:
        commit = hold.commit if branch == default else repository.as_of(default, hold.at)
        return sight.configuration(repository.tree(commit), default)

    return read


def missing_branches(repository: Repository, environments: Sequence[NamedEnvironment]) -> dict[str, BranchMissing]:
    """The branches of these environments that the remote does not have, each with what to do about it."""
    unheard = {each.branch for each in environments if repository.tip(each.branch) is None}
    if unheard:
        repository.refresh(frozenset(unheard))
    return {
        environment.branch: BranchMissing(
            f"the branch {environment.branch!r} of {environment.name} is not on the remote",
            at=environment.at("branch"),
            hint="push it, or correct `branch`",
        )
        for environment in environments
        if repository.tip(environment.branch) is None
    }


def _decide(hit: Hit, now: datetime) -> tuple[Decision, ...]:
    """Decides, and refuses or keeps back bumps that the environment does not allow, whatever the version."""
    return tuple(
        decision if decision.outcome is not Outcome.COMMITTED else _permitted(hit, decision, now)
        for decision in decide(hit.followed, hit.target, now)
    )


def _permitted(hit: Hit, decision: Decision, now: datetime) -> Decision:
    refused = replace(decision, outcome=Outcome.REFUSED, exit_code=ConfigurationError.exit_code)
    if len(hit.claimants) > 1:
        entry = hit.target.entry
        names = " and ".join(hit.claimants)
        reason = f"{entry.path}:{entry.line}: {names} both claim the entry {entry.name}; narrow one with `entries:`"
        return replace(refused, reason=reason)
    gap = next((gap for gap in not_yet(hit.followed.environment) if gap.stops), None)
    if gap is not None:
        return replace(refused, reason=str(gap))
    return stops.stopped(decision, stops.delayed(hit.followed.environment, now))


def _carry_out(
    sight: Sight, configuration: Configuration, tips: Mapping[str, str], decisions: Sequence[Decision]
) -> tuple[list[Decision], list[Change]]:
    environments = {environment.name: environment for environment in configuration.environments}
    settled = [decision for decision in decisions if decision.outcome is not Outcome.COMMITTED]
    bumps = [decision for decision in decisions if decision.outcome is Outcome.COMMITTED]
    changes: list[Change] = []
    for branch in tips:
        here = [decision for decision in bumps if target_of(decision).branch == branch]
        made = make_changes(sight.repository.tree(tips[branch]), environments, here, sight.verify)
        changes += made.changes
        settled += made.refused
        settled += [decision for change in made.changes for decision in change.decisions]
    return sorted(settled, key=place_of), changes


def _branches(followed: Sequence[Followed]) -> list[str]:
    return list(dict.fromkeys(match.environment.branch for match in followed))


def tip_of(repository: Repository, branch: str) -> str:
    """The newest known commit of a branch that was heard of."""
    tip = repository.tip(branch)
    assert tip is not None, f"{branch} was heard of before it is read"
    return tip
