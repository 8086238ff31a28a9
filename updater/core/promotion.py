"""Which versions an environment may take over from those that it promotes from. Pure: equal input, equal answer.

Promotion is level-triggered: nothing here needs an event. Whatever stood in all sources for as long as `soak` asks,
and was not moved back there since, is offered; it need not stand there any more. The times are those of the commits
on the sources' branches, so a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from updater.core import holds, stays
from updater.core.messages import short
from updater.core.stays import Origin, Sequel, Stay, rank
from updater.model import Event, Landing, Version
from updater.protocols import Ranking

__all__ = ["BY_HAND", "Offer", "Offers", "Origin", "Ran", "first_pushed", "offers", "rank"]

BY_HAND = "git"
"""The source of a version that no event brought; its id is the commit."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Where and when a version stood: in all entries of an environment, from `since` until `until` (None: still).

    `commits` are those in which it landed there, `ended_by` the one that replaced it first.
    """

    environment: str
    since: datetime
    until: datetime | None
    commits: tuple[str, ...]
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A version that stood in all sources. `event` is its push, as far as history knows it.

    `due` is when it will have stood there long enough, None if it has. `taken_back` says how it was moved back there,
    None if it was not.
    """

    version: Version
    event: Event
    ran: tuple[Ran, ...]
    due: datetime | None = None
    taken_back: str | None = None


@dataclass(frozen=True, slots=True)
class Offers:
    """What sources offer of an image, newest first; `nothing` says why there is nothing at all.

    `beside` names the entries of sources that do not count, because somebody moved them back alone. `pushed` is when
    each version that ever stood in a source was pushed, as the earliest landing there tells.
    """

    offers: tuple[Offer, ...] = ()
    nothing: str | None = None
    beside: tuple[str, ...] = ()
    pushed: Mapping[Version, datetime] = field(default_factory=dict, hash=False)


def offers(
    sources: Mapping[str, Sequence[Origin]], image: str, soak: timedelta, order: Ranking, now: datetime
) -> Offers:
    """What the sources (by the environment's name, none of them empty) offer of an image that is called so here.

    `now` is in UTC. Nothing is offered of a source whose entries disagree.
    """
    first = first_pushed(sources)
    pushed = {version: landing.pushed_at for version, landing in first.items()}
    counted = {name: _counted(origins) for name, origins in sources.items()}
    beside = tuple(_beside(sources, counted))
    nothing = next(_disagreements(counted), None)
    if nothing is not None:
        return Offers(nothing=nothing, beside=beside, pushed=pushed)
    trails = [(name, stays.trail(each, sources[name])) for name, origins in counted.items() for each in origins]
    found = []
    for event in (_event(image, landing) for version, landing in first.items() if version != Version()):
        mine = [(name, stays.best(each.of(event, Sequel(order, pushed)), soak, now)) for name, each in trails]
        chosen = [(name, stay) for name, stay in mine if stay is not None]
        if len(chosen) == len(mine):
            found.append(_offer(event, chosen, soak, now))
    newest = sorted(found, key=lambda offer: rank(order, offer.version, offer.event.time), reverse=True)
    nothing = None if newest else f"no version has stood in all of {' and '.join(sources)}"
    return Offers(tuple(newest), nothing, beside, pushed)


def first_pushed(sources: Mapping[str, Sequence[Origin]]) -> dict[Version, Landing]:
    """Of each version that landed in a source the landing that tells the earliest push time."""
    found: dict[Version, Landing] = {}
    for landing in (each for origins in sources.values() for origin in origins for each in origin.landings):
        known = found.get(landing.version)
        if known is None or _age(landing) < _age(known):
            found[landing.version] = landing
    return found


def _age(landing: Landing) -> tuple[datetime, bool, str, str]:
    """Earlier first; what a push brought before what a person did; then by name, so that order does not matter."""
    return (landing.pushed_at, landing.event is None, landing.event or "", landing.commit)


def _counted(origins: Sequence[Origin]) -> list[Origin]:
    """Those that were not moved back by themselves; all, if every one was."""
    return [origin for origin in origins if not origin.target.past.holds] or list(origins)


def _beside(sources: Mapping[str, Sequence[Origin]], counted: Mapping[str, Sequence[Origin]]) -> Iterator[str]:
    for name, origins in sources.items():
        for target in (origin.target for origin in origins if origin not in counted[name]):
            yield f"{name}: {target.overlay} does not count, since {short(target.entry.version)} was put back there"


def _disagreements(counted: Mapping[str, Sequence[Origin]]) -> Iterator[str]:
    for name, origins in counted.items():
        if len({origin.target.entry.version for origin in origins}) > 1:
            stand = [f"{origin.target.overlay} has {_told(origin.target.entry.version)}" for origin in origins]
            yield f"the overlays of {name} disagree, and promote nothing: {', '.join(stand)}"


def _told(version: Version) -> str:
    digest = "" if version.digest is None or version.tag is None else f"@{version.digest[:19]}"
    return f"{short(version)}{digest}"


def _event(image: str, first: Landing) -> Event:
    source, _, id_ = (first.event or f"{BY_HAND}/{first.commit}").partition("/")
    return Event(source, id_, image, first.version, first.pushed_at, first.pushed_at, origin=first.origin)


def _offer(event: Event, chosen: Sequence[tuple[str, Stay]], soak: timedelta, now: datetime) -> Offer:
    due = max(stay.since + soak for _, stay in chosen)
    backs = (f"in {name}, {holds.reason(stay.back, event.version)}" for name, stay in chosen if stay.back is not None)
    return Offer(event.version, event, tuple(_ran(chosen)), due if due > now else None, next(backs, None))


def _ran(chosen: Sequence[tuple[str, Stay]]) -> Iterator[Ran]:
    for name in dict.fromkeys(name for name, _ in chosen):
        mine = [stay for each, stay in chosen if each == name]
        ends = [(stay.until, stay.ended_by) for stay in mine if stay.until is not None]
        until, by = min(ends, default=(None, None))
        commits = tuple(dict.fromkeys(stay.commit for stay in mine))
        yield Ran(name, max(stay.since for stay in mine), until, commits, by)
