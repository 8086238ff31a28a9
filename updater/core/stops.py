"""What an environment's file says against new versions: `hold`, `paused`, `freeze`; and for them: `release`.

The holds that are read from history are not among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase

from updater.core import times
from updater.core.environment import Freeze, Hold, NamedEnvironment, Release
from updater.core.references import normalise
from updater.model import Decision, Outcome


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing lands now, in words for a person.

    `outcome` is what becomes of a version: held, or waiting. `keeps` says whether a pushed version is kept until this
    is over; otherwise it is turned away for good.
    """

    outcome: Outcome
    reason: str
    keeps: bool


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
    ends = all(hold.until is not None for hold in holds)
    return Stop(Outcome.HELD, _reason(environment, "hold", map(_held, holds)), keeps=ends)


def delayed(environment: NamedEnvironment, now: datetime) -> Stop | None:
    """What `paused` and `freeze` say, which is of all versions of everything; as for `stop`."""
    settings = environment.settings
    if settings.paused:
        words = "paused" if settings.paused is True else _because("paused", settings.paused)
        return Stop(Outcome.WAITING, _reason(environment, "paused", [words]), keeps=True)
    freezes = [freeze for freeze in settings.freeze if _is_frozen(freeze, now)]
    if freezes:
        return Stop(Outcome.WAITING, _reason(environment, "freeze", map(_frozen, freezes)), keeps=True)
    return None


def stopped(decision: Decision, by: Stop | None) -> Decision:
    """The decision for a version that would land, if nothing stops it."""
    return decision if by is None else replace(decision, outcome=by.outcome, reason=by.reason, keeps=by.keeps)


def releases(environment: NamedEnvironment, service: str, image: str) -> tuple[Release, ...]:
    """What the environment's file releases of an image of a service. Services are exact names there, no globs."""
    return tuple(
        each for each in environment.settings.release if (each.service, normalise(each.image)) == (service, image)
    )


def released(environment: NamedEnvironment, service: str, image: str, tag: str | None) -> bool:
    """Whether a `release:` of the environment's file names this version."""
    return any(each.version == tag for each in releases(environment, service, image))


def _is_held(hold: Hold, service: str, image: str, now: datetime) -> bool:
    end = None if hold.until is None else times.day(hold.until)
    return (
        fnmatchcase(service, hold.service)
        and (hold.image is None or normalise(hold.image) == image)
        and (end is None or now.date() < end)
    )


def _is_frozen(freeze: Freeze, now: datetime) -> bool:
    zone = times.time_zone(freeze.timezone)
    match times.moment(freeze.from_), times.moment(freeze.to):
        case date() as first, date() as last:
            return times.in_days(first, last, now, zone)
        case timedelta() as begin, timedelta() as end:
            return times.in_week(begin, end, now, zone)
    raise AssertionError(f"a freeze from {freeze.from_!r} to {freeze.to!r} passed the check of its file")


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
