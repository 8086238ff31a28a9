"""Which versions an environment may take over from those that it promotes from. Pure: equal input, equal answer.

Promotion is level-triggered: nothing here needs an event. Whatever stood in all sources for as long as `soak` asks,
and was not moved back there since, is offered; it need not stand there any more. The times are those of the commits
on the sources' branches, so a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from updater.core import holds
from updater.core.messages import short
from updater.model import Event, Landing, Target, Version
from updater.protocols import Ranking

BY_HAND = "git"
"""The source of a version that no event brought; its id is the commit."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An entry of a source with all that landed in it, oldest first.

    `target.past` has the holds of its service; `is_held` is whether this very entry was moved back itself.
    """

    target: Target
    landings: tuple[Landing, ...]
    is_held: bool = False


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

    `beside` names the entries of sources that do not count, because somebody moved them back alone.
    """

    offers: tuple[Offer, ...] = ()
    nothing: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stay:
    since: datetime
    until: datetime | None
    commit: str

    ended_by: str | None


def offers(
    sources: Mapping[str, Sequence[Origin]], image: str, soak: timedelta, order: Ranking, now: datetime
) -> Offers:
    """What the sources (by the environment's name, none of them empty) offer of an image that is called so here.

    `now` is in UTC. Nothing is offered of a source whose entries disagree.
    """
    counted = {name: _counted(origins) for name, origins in sources.items()}
    beside = tuple(
        f"{name}: {each.target.overlay} does not count, since {short(each.target.entry.version)} was put back there"
        for name, origins in sources.items()
        for each in origins
        if each not in counted[name]
    )
    for name, origins in counted.items():
        if len({origin.target.entry.version for origin in origins}) > 1:
            return Offers(nothing=_disagreement(name, origins), beside=beside)
    stays = [(name, _stays(origin)) for name, origins in counted.items() for origin in origins]
    found = []
    for version, first in first_pushed(sources).items():
        chosen = _chosen(version, stays, soak, now)
        if chosen and version != Version():
            event = _event(image, version, first)
            due = max(stay.since + soak for _, stay in chosen)
            back = next(_moved_back(version, event, counted, order), None)
            found.append(Offer(version, event, tuple(_ran(chosen)), due if due > now else None, back))
    newest = sorted(found, key=lambda offer: rank(order, offer.version, offer.event.time), reverse=True)
    return Offers(tuple(newest), None if newest else f"no version stood in all of {' and '.join(sources)}", beside)


def first_pushed(sources: Mapping[str, Sequence[Origin]]) -> dict[Version, Landing]:
    """Of each version that landed in a source the landing that tells the earliest push time."""
    found: dict[Version, Landing] = {}
    for origins in sources.values():
        for landing in (each for origin in origins for each in origin.landings):
            known = found.get(landing.version)
            if known is None or landing.pushed_at < known.pushed_at:
                found[landing.version] = landing
    return found


def rank(order: Ranking, version: Version, pushed_at: datetime | None) -> Any:
    """Where a version ranks; an entry that names none is older than all that do, whenever it was written so."""
    return order.rank(version, None if version == Version() else pushed_at)


def _counted(origins: Sequence[Origin]) -> list[Origin]:
    """Those that were not moved back by themselves; all, if every one was."""
    return [origin for origin in origins if not origin.is_held] or list(origins)


def _disagreement(name: str, origins: Sequence[Origin]) -> str:
    stand = [f"{origin.target.overlay} has {_told(origin.target.entry.version)}" for origin in origins]
    return f"the overlays of {name} disagree, and promote nothing: {', '.join(stand)}"


def _told(version: Version) -> str:
    digest = "" if version.digest is None or version.tag is None else f"@{version.digest[:19]}"
    return f"{short(version)}{digest}"


def _stays(origin: Origin) -> dict[Version, list[_Stay]]:
    """When each version stood in an entry."""
    found: dict[Version, list[_Stay]] = {}
    for landing, end in zip(origin.landings, [*origin.landings[1:], None], strict=True):
        until, by = (None, None) if end is None else (end.landed_at, end.commit)
        found.setdefault(landing.version, []).append(_Stay(landing.landed_at, until, landing.commit, by))
    return found


def _chosen(
    version: Version, stays: Sequence[tuple[str, Mapping[Version, Sequence[_Stay]]]], soak: timedelta, now: datetime
) -> list[tuple[str, _Stay]]:
    """The stay that counts in each entry; empty if one entry has none that proves anything."""
    best = [(name, _best(mine.get(version, ()), soak, now)) for name, mine in stays]
    chosen = [(name, stay) for name, stay in best if stay is not None]
    return chosen if len(chosen) == len(best) else []


def _best(stays: Sequence[_Stay], soak: timedelta, now: datetime) -> _Stay | None:
    """The newest stay that was long enough, else the one that may become so."""
    enough = [stay for stay in stays if (stay.until or now) >= stay.since + soak]
    standing = [stay for stay in stays if stay.until is None]
    return next(reversed(enough or standing), None)


def _event(image: str, version: Version, first: Landing) -> Event:
    source, _, id_ = (first.event or f"{BY_HAND}/{first.commit}").partition("/")
    return Event(source, id_, image, version, first.pushed_at, first.pushed_at)


def _moved_back(
    version: Version, event: Event, counted: Mapping[str, Sequence[Origin]], order: Ranking
) -> Iterator[str]:
    for name, origins in counted.items():
        for origin in origins:
            hold = holds.hold_on(origin.target.past.holds, order, event, stood=True)
            if hold is not None:
                yield f"in {name}, {holds.reason(hold, version)}"


def _ran(chosen: Sequence[tuple[str, _Stay]]) -> Iterator[Ran]:
    for name in dict.fromkeys(name for name, _ in chosen):
        mine = [stay for each, stay in chosen if each == name]
        ends = [(stay.until, stay.ended_by) for stay in mine if stay.until is not None]
        until, by = min(ends, default=(None, None))
        commits = tuple(dict.fromkeys(stay.commit for stay in mine))
        yield Ran(name, max(stay.since for stay in mine), until, commits, by)
