"""What is called for on the newest known tips: decisions, and the changes that carry them out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from updater import pushed
from updater.core import matching
from updater.core.changes import Change, make_changes, place_of, target_of
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.matching import Followed
from updater.core.verdicts import Verdict
from updater.core.waiting import REFS, Waiting
from updater.errors import UpdaterError
from updater.forge import PREFIX
from updater.left_over import left_over, orphans, unknown
from updater.model import Decision, Event, Outcome
from updater.promoting import offering
from updater.protocols import Repository
from updater.reviewing import weighing
from updater.reviewing.branches import Review, look, revived
from updater.reviewing.weighing import Stray
from updater.sight import Sight, missing_branches, tip_of
from updater.survey import Survey, survey

Doubtful: TypeAlias = tuple[str, str | None]
"""An environment, and a service of it or None."""
Promoting = Callable[[Configuration], Sequence[NamedEnvironment]]
"""The environments to which something is to be promoted now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen on these tips (branch to commit): the decisions, and the changes that carry out the bumps.

    `left_over` are the decisions for events that no entry takes. `problems` belong to no decision. `woken` are the
    waiting pushes that were decided on again, by environment. `review` is what is known of the pull requests of
    the environments that deliver so, and `verdicts` are those on their entries. `doubts` say of which services (None:
    all) of an environment not everything could be read, so that nothing is to be withdrawn there. `unknowable` are the
    left-over decisions that wait for an environment whose file is broken, by its name.
    `strays` are the branches of open pull requests of no environment that delivers so.
    """

    tips: Mapping[str, str]
    decisions: tuple[Decision, ...]
    left_over: tuple[Decision, ...]
    changes: tuple[Change, ...]
    problems: tuple[UpdaterError, ...]
    woken: Waiting = field(default_factory=dict)
    review: Review = field(default_factory=Review)
    verdicts: tuple[Verdict, ...] = ()
    doubts: Mapping[Doubtful, str] = field(default_factory=dict)
    strays: tuple[Stray, ...] = ()
    unknowable: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict)

    def is_proved_by_pushing(self) -> bool:
        """Whether a push of the changes alone shows that what it was made on is still the remote's.

        With several branches it does not: one may land although another, with the configuration maybe, has moved.
        Nor does it tell of the branches of pull requests.
        """
        return len(self.tips) == 1 and bool(self.changes) and not (self.review.environments or self.strays)


def nobody(_: Configuration) -> Sequence[NamedEnvironment]:
    """Nothing is to be promoted."""
    return ()


def everybody(configuration: Configuration) -> Sequence[NamedEnvironment]:
    """Whatever may be promoted is."""
    return [each for each in configuration.environments if each.settings.promote is not None]


def make_plan(
    sight: Sight, events: Sequence[Event], wake: Callable[[], Waiting], promoting: Promoting = nobody
) -> Plan:
    """Decides on merged events, edits and verifies. Writes nothing. Raises `GitError`.

    `wake` gives the pushes that had to wait and are to be decided on again, as last heard of the remote. So is what is
    proposed by pull request: everything, or with events that of the environments that follow one of their images.
    """
    repository, heard = sight.repository, _heard(sight.repository)
    default = repository.default_branch
    tip = tip_of(repository, default)
    configuration = sight.configuration(repository.tree(tip), default)
    waiting = wake()
    known = {environment.name for environment in configuration.environments}
    awake = {name: kept for name, kept in waiting.items() if name in known}
    proposing = [each for each in _followers(configuration, events) if repository.tip(each.branch)]
    has_strays = not events and weighing.has_strays(repository, configuration)
    review = look(sight, proposing) if proposing or has_strays else Review()
    strays = tuple(weighing.strays(sight, configuration, review)) if has_strays else ()
    proposed = revived(
        review.branches.values(), {each.name for each in configuration.environments if each.settings.follow}
    )
    followed = matching.followed(configuration.environments, events, awake, proposed)
    promoted = promoting(configuration)
    concerned = [*(match.environment for match in followed), *offering.with_sources(configuration, promoted)]
    missing = missing_branches(repository, concerned)
    if heard != _heard(repository):
        return make_plan(sight, events, wake, promoting)  # asking for missing branches brought more news
    reachable = tuple(match for match in followed if match.environment.branch not in missing)
    found = survey(repository, sight.catalog, configuration.environments, reachable)
    judged = pushed.verdicts(sight, found)
    on_pushes = judged.verdicts
    wanted = offering.reachable(configuration, promoted, missing)
    offered = offering.offered(sight, configuration, wanted)
    review, verdicts = weighing.reviewed(sight, configuration, review, wanted, (*on_pushes, *offered.verdicts))
    said = [*pushed.told(verdicts[: len(on_pushes)]), *offering.decisions(verdicts[len(on_pushes) :])]
    tips = {
        branch: tip_of(repository, branch)
        for branch in (default, *_branches(reachable, offering.with_sources(configuration, wanted)))
    }
    settled, changes = _carry_out(sight, configuration, tips, said)
    there = {each.name for each in configuration.environments if each.branch not in missing}
    unknowable = {name: tuple(unknown(events, name, error)) for name, error in configuration.broken().items()}
    problems = (*configuration.errors, *missing.values(), *judged.problems)
    return Plan(
        tips,
        tuple(settled),
        (
            *left_over(events, awake, followed, found, missing),
            *orphans(waiting, known),
            *offered.others,
            *(each for waits in unknowable.values() for each in waits),
        ),
        tuple(changes),
        tuple(filter(None, (*problems, *offered.problems, review.problem))),
        _woken(awake, found, there),
        review,
        tuple(each for each in verdicts if each.target.environment in review.environments),
        {**{(each.followed.environment.name, None): str(each.error) for each in found.unreadable}, **offered.doubts},
        strays,
        unknowable,
    )


def _woken(awake: Waiting, found: Survey, there: Collection[str]) -> Waiting:
    """What waited and was decided on: in environments whose branches are there, and whose files could be read."""
    unread = {(each.followed.environment.name, each.followed.image) for each in found.unreadable}
    return {
        name: tuple(event for event in kept if (name, event.image) not in unread)
        for name, kept in awake.items()
        if name in there
    }


def _heard(repository: Repository) -> tuple[str, dict[str, str | None]]:
    """The default branch, and the tips of all that a plan is made of before it is known which branches it is about."""
    default = repository.default_branch
    names = (default, *repository.names(REFS), *repository.names(PREFIX))
    return default, {name: repository.tip(name) for name in names}


def _followers(configuration: Configuration, events: Sequence[Event]) -> list[NamedEnvironment]:
    """The environments that follow a registry by pull requests; with events, those that follow one of their images."""
    images = {event.image for event in events}
    return [
        each
        for each in configuration.environments
        if each.proposes
        and each.settings.follow
        and (not images or any(matching.rule_for(each, image) is not None for image in images))
    ]


def joined(one: Waiting, other: Waiting) -> Waiting:
    """What waits here or there, by the name of the environment."""
    return {name: (*one.get(name, ()), *other.get(name, ())) for name in (*one, *other)}


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


def _branches(followed: Sequence[Followed], promoted: Sequence[NamedEnvironment]) -> list[str]:
    return list(dict.fromkeys([*(match.environment.branch for match in followed), *(each.branch for each in promoted)]))
