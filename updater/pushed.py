"""The verdicts on what was pushed, and what people are told of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from updater.core import stops
from updater.core.decide import decide, less
from updater.core.verdicts import Verdict
from updater.errors import ConfigurationError
from updater.model import Decision, Event, Outcome
from updater.sight import Sight, past_configurations
from updater.survey import Hit, Survey, contested, recalled

_WOULD_LAND = (Outcome.COMMITTED, Outcome.PROPOSED, Outcome.WAITING)


def verdicts(sight: Sight, found: Survey) -> list[Verdict]:
    """The verdicts on what was pushed, those on an entry newest first."""
    hits = recalled(sight.repository, sight.catalog, found.hits, past_configurations(sight))
    now = sight.clock.now()
    return [verdict for hit in hits for verdict in sorted(_verdicts(hit, now), key=_rank, reverse=True)]


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
