"""The verdicts on what was pushed, and what people are told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from updater import asking
from updater.asking import Hearings, Match
from updater.core import stops
from updater.core.decide import decide, less
from updater.core.hearing import told as told_more
from updater.core.verdicts import Verdict
from updater.errors import ConfigurationError, RegistryError
from updater.model import Decision, Event, Outcome
from updater.sight import Sight, past_configurations
from updater.survey import Hit, Survey, contested, recalled

_WOULD_LAND = (Outcome.COMMITTED, Outcome.PROPOSED, Outcome.WAITING)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts on what was pushed, those on an entry newest first. `problems` are why registries did not say what
    had to be known.
    """

    verdicts: tuple[Verdict, ...]
    problems: tuple[RegistryError, ...]


def verdicts(sight: Sight, found: Survey) -> Judged:
    """The verdicts on what was pushed.

    Registries are asked about all that would land together; then it is decided again with what they say, until nothing
    is open any more: where the best may not land, the next one does.
    """
    at, now = past_configurations(sight), sight.clock.now()
    hearings = asking.begun(sight, [hit.followed for hit in found.hits])
    judged: dict[int, list[Verdict]] = {}
    undecided = list(range(len(found.hits)))
    while undecided:
        heard = [_heard(found.hits[number], hearings) for number in undecided]
        hits = recalled(sight.repository, sight.catalog, heard, at)
        judged |= {number: _judged(hit, now) for number, hit in zip(undecided, hits, strict=True)}
        tags = _open(found, judged)
        hearings = asking.gone_on(sight, hearings, tags)
        undecided = [number for number, hit in enumerate(found.hits) if asking.match_of(hit.followed) in tags]
    mine = tuple(verdict for number in sorted(judged) for verdict in judged[number])
    return Judged(mine, _failures(mine, hearings))


def _heard(hit: Hit, hearings: Hearings) -> Hit:
    hearing, followed = hearings[asking.match_of(hit.followed)], hit.followed
    events = told_more(hearing, followed.rule.follow, followed.events)
    return replace(hit, followed=replace(followed, events=events, hearing=hearing))


def _judged(hit: Hit, now: datetime) -> list[Verdict]:
    return sorted(_verdicts(hit, now), key=_rank, reverse=True)


def _open(found: Survey, judged: Mapping[int, Sequence[Verdict]]) -> dict[Match, set[str]]:
    """The tags about which registries have to be asked."""
    tags: dict[Match, set[str]] = {}
    for number, mine in judged.items():
        asked = {each.decision.to.tag or "" for each in mine if each.may_land and each.decision.is_open}
        if asked:
            tags.setdefault(asking.match_of(found.hits[number].followed), set()).update(asked)
    return tags


def _failures(verdicts: Sequence[Verdict], hearings: Hearings) -> tuple[RegistryError, ...]:
    """Why registries could not be heard about what is refused for it, each reason once."""
    reasons = {each.decision.reason for each in verdicts if each.decision.retry}
    words = (word for hearing in hearings.values() if hearing is not None for word in hearing.words.values())
    failures = {str(word.failure): word.failure for word in words if word.failure is not None}
    return tuple(error for reason, error in failures.items() if reason in reasons)


def told(found: Sequence[Verdict]) -> Iterator[Decision]:
    """The decisions of verdicts (those on an entry newest first), the one on what lands last: of several one does."""
    for _, mine in groupby(found, key=lambda verdict: verdict.target):
        decisions = [verdict.decision for verdict in mine]
        best = next((at for at, each in enumerate(decisions) if each.outcome in _WOULD_LAND), len(decisions))
        kept = next((at for at, each in enumerate(decisions[:best]) if each.keeps), best)
        above = [less(each, decisions[kept]) if at > kept else each for at, each in enumerate(decisions[:best])]
        below = [less(each, decisions[best]) for each in decisions[best + 1 :]]
        yield from (*reversed(below), *reversed(above), *decisions[best : best + 1])


def _rank(verdict: Verdict) -> Any:
    event = verdict.event
    return verdict.order.rank(verdict.decision.to, None if event is None else event.time)


def _verdicts(hit: Hit, now: datetime) -> Iterator[Verdict]:
    """Decides on all pushes together, and does not land what the environment does not allow, whatever the version.

    Where pull requests are opened each version is decided on alone: an older one may be approved by now, or the newer
    one refused.
    """
    together = decide(hit.followed, hit.target, now)
    if hit.followed.environment.proposes:
        together = tuple(_alone(hit, decision, now) for decision in together)
    for decision in together:
        lands = decision.outcome is Outcome.COMMITTED
        yield Verdict(_permitted(hit, decision, now) if lands else decision, hit.followed.rule)


def _alone(hit: Hit, decision: Decision, now: datetime) -> Decision:
    event = decision.event
    if decision.outcome is not Outcome.SUPERSEDED or event is None or _has_twin(hit, event):
        return decision
    (alone,) = decide(replace(hit.followed, events=(event,)), hit.target, now)
    return alone


def _has_twin(hit: Hit, event: Event) -> bool:
    """Whether another source tells the digest of a push that has none."""
    digests = {each.version.digest for each in hit.followed.events if each.version.tag == event.version.tag}
    return event.version.digest is None and digests != {None}


def _permitted(hit: Hit, decision: Decision, now: datetime) -> Decision:
    environment = hit.followed.environment
    reason = contested(hit.target, hit.claimants)
    if reason is not None:
        return replace(decision, outcome=Outcome.REFUSED, reason=reason, exit_code=ConfigurationError.exit_code)
    if environment.proposes:
        decision = replace(decision, outcome=Outcome.PROPOSED)
    return stops.stopped(decision, stops.delayed(environment, now))
