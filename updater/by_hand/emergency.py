"""A version that nobody ran before, put into an entry because a person insists: past all gates, never past a hold."""

from __future__ import annotations

from collections.abc import Iterator

from updater.by_hand.choosing import FORCED, Candidate, is_meant, told
from updater.by_hand.services import Services, exactly, recalled
from updater.core import copies, graph, holds, stops
from updater.core.messages import short, told_apart
from updater.core.promotion import BY_HAND, rank
from updater.errors import UsageError
from updater.model import Decision, Event, Outcome, Target, Version
from updater.protocols import Ranking
from updater.sight import Sight


def insisted(sight: Sight, found: Services, candidate: Candidate, version: Version) -> Decision:
    """The decision for a version that is not older than what stands, and that no source of the entry offers."""
    entry, version = candidate.target.entry, _with_digest(candidate, version)
    if entry.version.digest is not None and version.digest is None:
        missing = f"{entry.path}:{entry.line} pins a digest: give the one of {version} as well, {version}@sha256:..."
        return told(candidate, version, Outcome.REFUSED, missing, UsageError.exit_code)
    held = _kept_out(sight, found, candidate, version)
    if held is not None:
        return told(candidate, version, Outcome.HELD, held, UsageError.exit_code)
    source = " and ".join(graph.sources(found.environment.settings))
    why = f"{source} did not offer it" if source else f"{found.environment.name} promotes from no other environment"
    new = told_apart(entry.version, version)[1]
    return told(candidate, version, Outcome.COMMITTED, f"{FORCED}{new} was put there by hand, {why}")


def _with_digest(candidate: Candidate, version: Version) -> Version:
    """The version with the digest that it had wherever it ran, if it ran with one alone."""
    ran = [each for each in candidate.offers.pushed if is_meant(version, each) and each.digest is not None]
    return ran[0] if len(ran) == 1 else version


def is_older(sight: Sight, candidate: Candidate, version: Version) -> bool:
    """Whether a version that is not offered is older than what stands, for all that history tells of it."""
    standing = candidate.target.past.standing
    here = rank(candidate.order, candidate.here, None if standing is None else standing.pushed_at)
    return bool(rank(candidate.order, version, _push(sight, candidate.target, version).time) < here)


def _kept_out(sight: Sight, found: Services, candidate: Candidate, version: Version) -> str | None:
    """Why people keep a version out: here, by hand or by moving back, or in an environment before."""
    target, image = candidate.target, candidate.target.entry.image or ""
    here = _held(sight, target, candidate.order, version)
    if here is not None:
        return here
    stop = stops.held(found.environment, target.service, image, sight.clock.now(), version.tag)
    return next(_taken_back(sight, found, candidate, version), None) if stop is None else stop.reason


def _taken_back(sight: Sight, found: Services, candidate: Candidate, version: Version) -> Iterator[str]:
    target, promote = candidate.target, found.environment.settings.promote
    copied = None if promote is None else promote.images
    for name in graph.sources(found.environment.settings):
        for there, _ in recalled(sight, exactly(sight, name, [target.service])):
            if copies.name_here(there.entry.image or "", copied) == target.entry.image:
                reason = _held(sight, there, candidate.order, version)
                if reason is not None:
                    yield f"in {name}, {reason}"


def _held(sight: Sight, target: Target, order: Ranking, version: Version) -> str | None:
    """Why history keeps a version out of an entry."""
    if not target.past.holds:
        return None
    hold = holds.hold_on(target.past.holds, order, _push(sight, target, version), stood=False)
    return None if hold is None else holds.reason(hold, version)


def _push(sight: Sight, target: Target, version: Version) -> Event:
    """The push of a version: when it landed in an entry first, as far as it did; else now."""
    tip = sight.repository.tip(target.branch) or ""
    (landings,) = sight.catalog.landings(target.branch, tip, [target.entry])
    times = [landing.pushed_at for landing in landings if is_meant(version, landing.version)]
    image = target.entry.image or ""
    return Event(BY_HAND, short(version), image, version, sight.clock.now(), min(times, default=None))
