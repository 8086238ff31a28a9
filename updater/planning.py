"""What is called for on the newest known tips: decisions, and the changes that carry them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from updater.core import heads, matching, stops
from updater.core.changes import Change, make_changes, place_of, target_of
from updater.core.decide import decide
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.matching import Followed
from updater.core.verdicts import Verdict
from updater.core.waiting import REFS, Waiting
from updater.errors import ConfigurationError, ForgeError, UpdaterError
from updater.forge import PREFIX, PullRequest
from updater.left_over import left_over, orphans
from updater.model import Decision, Event, Outcome
from updater.promoting import offering
from updater.protocols import Repository
from updater.reviewing import branches as reviewing
from updater.reviewing.branches import Review
from updater.reviewing.refusals import unless_refused
from updater.sight import Sight, missing_branches, past_configurations, tip_of
from updater.survey import Hit, Survey, contested, recalled, survey

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
    all) of an environment not everything could be read, so that nothing is to be withdrawn there.
    `strays` are open pull requests of no environment that delivers so.
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
    strays: tuple[PullRequest, ...] = ()

    def is_proved_by_pushing(self) -> bool:
        """Whether a push of the changes alone shows that what it was made on is still the remote's.

        With several branches it does not: one may land although another, with the configuration maybe, has moved.
        """
        return len(self.tips) == 1 and bool(self.changes)


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

    `wake` gives the pushes that had to wait and are to be decided on again, as last heard of the remote. Without events
    everything that open pull requests propose is decided on again, too; with some, what is of their images.
    """
    repository, heard = sight.repository, _heard(sight.repository)
    default = repository.default_branch
    tip = tip_of(repository, default)
    configuration = sight.configuration(repository.tree(tip), default)
    waiting = wake()
    known = {environment.name for environment in configuration.environments}
    awake = {name: kept for name, kept in waiting.items() if name in known}
    proposing = _with_branches(repository, _followers(configuration, events))
    review = reviewing.look(sight, proposing) if proposing else Review()
    images = {event.image for event in events}
    proposed = reviewing.revived(review, images, sight.clock.now())
    followed = matching.followed(configuration.environments, events, _joined(awake, proposed))
    promoted = promoting(configuration)
    concerned = [*(match.environment for match in followed), *offering.with_sources(configuration, promoted)]
    missing = missing_branches(repository, concerned)
    if heard != _heard(repository):
        return make_plan(sight, events, wake, promoting)  # asking for missing branches brought more news
    reachable = tuple(match for match in followed if match.environment.branch not in missing)
    found = survey(repository, sight.catalog, configuration.environments, reachable)
    pushed = _verdicts(sight, found)
    wanted = offering.reachable(configuration, promoted, missing)
    offered = offering.offered(sight, configuration, wanted)
    review, verdicts = _reviewed(sight, configuration, review, wanted, (*pushed, *offered.verdicts))
    said = [*(each.decision for each in verdicts[: len(pushed)]), *offering.decisions(verdicts[len(pushed) :])]
    tips = {
        branch: tip_of(repository, branch)
        for branch in (default, *_branches(reachable, offering.with_sources(configuration, wanted)))
    }
    settled, changes = _carry_out(sight, configuration, tips, said)
    there = {each.name for each in configuration.environments if each.branch not in missing}
    unread = {(each.followed.environment.name, each.followed.image) for each in found.unreadable}
    return Plan(
        tips,
        tuple(settled),
        (*left_over(events, awake, followed, found, missing), *orphans(waiting, known), *offered.others),
        tuple(changes),
        (*configuration.errors, *missing.values(), *offered.problems, *((review.problem,) if review.problem else ())),
        {
            name: tuple(event for event in kept if (name, event.image) not in unread)
            for name, kept in awake.items()
            if name in there
        },
        review,
        tuple(each for each in verdicts if each.target.environment in review.environments),
        {**{(each.followed.environment.name, None): str(each.error) for each in found.unreadable}, **offered.doubts},
        tuple(_strays(configuration, review)),
    )


def _heard(repository: Repository) -> tuple[str, dict[str, str | None]]:
    """The default branch, and the tips of all that a plan is made of before it is known which branches it is about."""
    default = repository.default_branch
    return default, {name: repository.tip(name) for name in (default, *repository.names(REFS))}


def _followers(configuration: Configuration, events: Sequence[Event]) -> list[NamedEnvironment]:
    """The environments that follow a registry by pull requests; with events, those that follow one of their images."""
    images = {event.image for event in events}
    return [
        each
        for each in configuration.environments
        if _proposes(each)
        and each.settings.follow
        and (not images or any(matching.rule_for(each, image) is not None for image in images))
    ]


def _with_branches(repository: Repository, environments: Iterable[NamedEnvironment]) -> list[NamedEnvironment]:
    return [each for each in environments if repository.tip(each.branch) and reviewing.has_branches(repository, each)]


def _joined(one: Waiting, other: Waiting) -> Waiting:
    return {name: (*one.get(name, ()), *other.get(name, ())) for name in (*one, *other)}


def _proposes(environment: NamedEnvironment) -> bool:
    return environment.settings.deliver == "pull-request"


def _verdicts(sight: Sight, found: Survey) -> list[Verdict]:
    """The verdicts on what was pushed, those on the best push of an entry first."""
    hits = recalled(sight.repository, sight.catalog, found.hits, past_configurations(sight))
    now = sight.clock.now()
    return [Verdict(decision, hit.followed.rule) for hit in hits for decision in reversed(_decide(hit, now))]


def _decide(hit: Hit, now: datetime) -> tuple[Decision, ...]:
    """Decides, and refuses or keeps back bumps that the environment does not allow, whatever the version."""
    return tuple(
        decision if decision.outcome is not Outcome.COMMITTED else _permitted(hit, decision, now)
        for decision in decide(hit.followed, hit.target, now)
    )


def _permitted(hit: Hit, decision: Decision, now: datetime) -> Decision:
    environment = hit.followed.environment
    reason = contested(hit.target, hit.claimants)
    if reason is not None:
        return replace(decision, outcome=Outcome.REFUSED, reason=reason, exit_code=ConfigurationError.exit_code)
    outcome = Outcome.PROPOSED if _proposes(environment) else Outcome.COMMITTED
    return stops.stopped(replace(decision, outcome=outcome), stops.delayed(environment, now))


def _reviewed(
    sight: Sight,
    configuration: Configuration,
    review: Review,
    promoted: Sequence[NamedEnvironment],
    verdicts: Sequence[Verdict],
) -> tuple[Review, list[Verdict]]:
    """What is known of pull requests where they matter, and the verdicts, given what people refused there."""
    landing = {verdict.target.environment for verdict in verdicts if verdict.may_land}
    known = {each.name: each for each in configuration.environments if _proposes(each)}
    wanted = {
        each.name: each for each in _with_branches(sight.repository, [each for each in promoted if _proposes(each)])
    }
    wanted |= {name: known[name] for name in landing if name in known}
    if not wanted.keys() <= review.environments.keys() or (promoted and _has_strays(sight.repository, configuration)):
        review = reviewing.look(sight, [*{**review.environments, **wanted}.values()])
    if review.problem is not None:
        return review, [_unasked(review, verdict) for verdict in verdicts]
    try:
        return review, unless_refused(sight, review, verdicts)
    except ForgeError as error:
        review = replace(review, problem=error)
        return review, [_unasked(review, verdict) for verdict in verdicts]


def _has_strays(repository: Repository, configuration: Configuration) -> bool:
    """Whether there are branches of ours for an environment that does not deliver by pull request (any more)."""
    found = (heads.parsed(name) for name in repository.names(PREFIX))
    return any(head is not None and _is_stray(configuration, head.environment) for head in found)


def _is_stray(configuration: Configuration, name: str) -> bool:
    broken = any(
        error.at is not None and error.at.path == f"environments/{name}.yaml" for error in configuration.errors
    )
    return not broken and all(each.name != name or not _proposes(each) for each in configuration.environments)


def _strays(configuration: Configuration, review: Review) -> Iterator[PullRequest]:
    for pull in review.others:
        head = heads.parsed(pull.head)
        if head is not None and _is_stray(configuration, head.environment):
            yield pull


def _unasked(review: Review, verdict: Verdict) -> Verdict:
    """The verdict where the forge could not be asked: what would be proposed has to wait, and its push is kept."""
    if verdict.decision.outcome is not Outcome.PROPOSED:
        return verdict
    keeps = verdict.offer is None
    decision = replace(verdict.decision, outcome=Outcome.WAITING, reason=str(review.problem), keeps=keeps)
    return replace(verdict, decision=decision)


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
