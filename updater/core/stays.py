"""When versions stood in an entry, for how long, and whether somebody moved back from them since. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from updater.core import holds
from updater.model import Event, Hold, Landing, Target, Version
from updater.protocols import Ranking


@dataclass(frozen=True, slots=True)
class Origin:
    """An entry of a source with all that landed in it, and every move back that ever was in it, oldest first.

    `target.past` has the holds of this very entry that are in force. What a `release:` has lifted is in neither.
    """

    target: Target
    landings: tuple[Landing, ...]
    backs: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """A version stood in an entry, from its landing with that number until the next one (None: it still does).

    `back` is the newest move back that took it away since, there or in another overlay of the service.
    """

    number: int
    since: datetime
    until: datetime | None
    commit: str
    ended_by: str | None
    back: Hold | None = None


@dataclass(frozen=True, slots=True)
class Sequel:
    """An order, and when each version was pushed at the earliest: all that it takes to say which one is newer."""

    order: Ranking
    pushed: Mapping[Version, datetime]

    def is_newer(self, one: Version, other: Version) -> bool:
        """Whether one version is newer than another."""
        ranks = [rank(self.order, version, self.pushed.get(version)) for version in (one, other)]
        return bool(ranks[0] > ranks[1])


@dataclass(frozen=True, slots=True)
class Trail:
    """All stays in an entry, by version, and the moves back that count there."""

    origin: Origin
    stays: Mapping[Version, Sequence[Stay]]
    siblings: Sequence[Origin]

    def of(self, event: Event, sequel: Sequel) -> list[Stay]:
        """The stays of a version, oldest first, each with the move back from it."""
        stays = self.stays.get(event.version, ())
        return [replace(stay, back=self._back(stay, event, sequel)) for stay in stays]

    def _back(self, stay: Stay, event: Event, sequel: Sequel) -> Hold | None:
        gone = event.version
        moves = [hold for hold, to in self._moves(stay) if hold.version == gone or sequel.is_newer(gone, to)]
        return holds.hold_on(moves, sequel.order, event, stood=True)

    def _moves(self, stay: Stay) -> Iterator[tuple[Hold, Version]]:
        """The moves back since a stay began, each with the version that somebody moved to.

        Those in the entry itself count by their place in its history, for ever. Those in others count as long as they
        are in force there, and by time, since nothing else compares what happened in two files.
        """
        for sibling in self.siblings:
            if sibling is not self.origin:
                here = sibling.target.entry.version
                yield from ((hold, here) for hold in sibling.target.past.holds if hold.at >= stay.since)
        later = {landing.commit: landing.version for landing in self.origin.landings[stay.number + 1 :]}
        yield from ((hold, later[hold.commit]) for hold in self.origin.backs if hold.commit in later)


def rank(order: Ranking, version: Version, pushed_at: datetime | None) -> Any:
    """Where a version ranks; an entry that names none is older than all that do, whenever it was written so."""
    return order.rank(version, None if version == Version() else pushed_at)


def trail(origin: Origin, siblings: Sequence[Origin]) -> Trail:
    """When each version stood in an entry. `siblings` are all entries of its service and image, itself among them."""
    found: dict[Version, list[Stay]] = {}
    for number, (landing, end) in enumerate(zip(origin.landings, [*origin.landings[1:], None], strict=True)):
        until, by = (None, None) if end is None else (end.landed_at, end.commit)
        found.setdefault(landing.version, []).append(Stay(number, landing.landed_at, until, landing.commit, by))
    return Trail(origin, found, siblings)


def best(stays: Sequence[Stay], soak: timedelta, now: datetime) -> Stay | None:
    """The newest stay that was long enough, else the one that may become so; None if there is neither.

    One from which somebody moved back counts only where there is no other, so that this can be told.
    """
    for some in ([stay for stay in stays if stay.back is None], stays):
        enough = [stay for stay in some if (stay.until or now) >= stay.since + soak]
        standing = [stay for stay in some if stay.until is None]
        if enough or standing:
            return (enough or standing)[-1]
    return None
