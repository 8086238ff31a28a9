"""What an environment's file says against new versions: `hold`, `paused`, `freeze`; and for them: `release`.

The holds that are read from history are not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase

from updater.core import times
from updater.core.environment import Freeze, Hold, NamedEnvironment, Release
from updater.core.references import normalise
from updater.model import Decision, Outcome

MAX_LINKS = 30
"""How many freezes are followed that each go on where another one ends; more of them take turns without an end."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing lands now, in words for a person.

    `outcome` is what becomes of a version: held, or waiting. `keeps` says whether a pushed version is kept until this
    is over; otherwise it is turned away for good. `until` is when it is over (UTC), None where nobody knows.
    """

    outcome: Outcome
    reason: str
    keeps: bool
    until: datetime | None = None


def stop(environment: NamedEnvironment, service: str, image: str, now: datetime, tag: str | None = None) -> Stop | None:
    """What keeps versions of this image out of this service at the moment `now` (UTC); None if nothing does.

    That is every version, or the one of a tag: no hold counts where `release:` names it.

    Of several the strongest is told: `hold` before `paused` before `freeze`. Holds come first because one of them
    without `until` turns versions away that the others would only keep waiting. Of one kind, all that apply are named.
    The environment's file is one that `updater.config` has found in order.
    """
    return held(environment, service, image, now, tag) or delayed(environment, now)


def held(environment: NamedEnvironment, service: str, image: str, now: datetime, tag: str | None = None) -> Stop | None:
    """What `hold:` says of the version with a tag, or of all; as for `stop`."""
    holds = [hold for hold in environment.settings.hold if _is_held(hold, service, image, now)]
    if not holds or released(environment, service, image, tag):
        return None
    until = max(map(_end_of_hold, holds))
    ends = until != times.NEVER
    return Stop(Outcome.HELD, _reason(environment, "hold", map(_held, holds)), ends, until if ends else None)


def delayed(environment: NamedEnvironment, now: datetime) -> Stop | None:
    """What `paused` and `freeze` say, which is of all versions of everything; as for `stop`."""
    settings = environment.settings
    if settings.paused:
        words = "paused" if settings.paused is True else _because("paused", settings.paused)
        return Stop(Outcome.WAITING, _reason(environment, "paused", [words]), keeps=True)
    ends = _ends(settings.freeze, now)
    if not ends:
        return None
    until, last = _thaw(settings.freeze, ends)
    sentences = [_frozen(freeze) for freeze in ends]
    if until is not None and list(ends) != [last]:
        sentences.append(_in_all(until, last))
    return Stop(Outcome.WAITING, _reason(environment, "freeze", sentences), keeps=True, until=until)


def stopped(decision: Decision, by: Stop | None) -> Decision:
    """The decision for a version that would land, if nothing stops it."""
    return (
        decision
        if by is None
        else replace(decision, outcome=by.outcome, reason=by.reason, keeps=by.keeps, due=by.until, is_stopped=True)
    )


def releases(environment: NamedEnvironment, service: str, image: str) -> tuple[Release, ...]:
    """What the environment's file releases of an image of a service. Services are exact names there, no globs."""
    return tuple(
        each for each in environment.settings.release if (each.service, normalise(each.image)) == (service, image)
    )


def released(environment: NamedEnvironment, service: str, image: str, tag: str | None) -> bool:
    """Whether a `release:` of the environment's file names this version."""
    return any(each.version == tag for each in releases(environment, service, image))


def _is_held(hold: Hold, service: str, image: str, now: datetime) -> bool:
    return (
        fnmatchcase(service, hold.service)
        and (hold.image is None or normalise(hold.image) == image)
        and now < _end_of_hold(hold)
    )


def _end_of_hold(hold: Hold) -> datetime:
    end = None if hold.until is None else times.day(hold.until)
    return times.NEVER if end is None else datetime.combine(end, time.min, UTC)


def _end(freeze: Freeze, now: datetime) -> datetime | None:
    """When a freeze that applies at `now` ends by itself; None if it does not apply."""
    zone = times.time_zone(freeze.timezone)
    match times.moment(freeze.from_), times.moment(freeze.to):
        case date() as first, date() as last:
            return times.ends_in_days(first, last, now, zone)
        case timedelta() as begin, timedelta() as end:
            return times.ends_in_week(begin, end, now, zone)
    raise AssertionError(f"a freeze from {freeze.from_!r} to {freeze.to!r} passed the check of its file")


def _ends(freezes: Iterable[Freeze], now: datetime) -> dict[Freeze, datetime]:
    """The freezes that apply at `now`, each with its own end."""
    return {freeze: end for freeze in freezes if (end := _end(freeze, now)) is not None}


def _thaw(freezes: Sequence[Freeze], ends: Mapping[Freeze, datetime]) -> tuple[datetime | None, Freeze]:
    """The first moment at which none of all `freezes` applies any more, None if there is none, and the last that did.

    `ends` are those that apply now. The end of one may lie in another: they may overlap, touch, or cover the whole
    week between them.
    """
    for _ in range(MAX_LINKS):
        last, until = max(ends.items(), key=lambda each: each[1])
        if until == times.NEVER:
            break
        ends = _ends(freezes, until)
        if not ends:
            return until, last
    return None, last


def _in_all(until: datetime, last: Freeze) -> str:
    local = until.astimezone(times.time_zone(last.timezone))
    return f"in all until {local:%Y-%m-%d %H:%M} {last.timezone}"


def _held(hold: Hold) -> str:
    return _because("held" if hold.until is None else f"held until {hold.until}", hold.reason)


def _frozen(freeze: Freeze) -> str:
    end = freeze.to if times.day(freeze.to) is None else f"the end of {freeze.to}"
    return _because(f"frozen until {end} ({freeze.timezone})", freeze.reason or "")


def _because(what: str, why: str) -> str:
    """One line, although YAML lets people write their reasons over several."""
    words = " ".join(why.split())
    return f"{what}: {words}" if words else what


def _reason(environment: NamedEnvironment, key: str, sentences: Iterable[str]) -> str:
    return f"{'; '.join(sentences)} ({environment.at(key)})"
