"""The safety net: from time to time registries are asked what no event told of, and nobody waits for their answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread
from typing import TypeAlias

from updater import polling
from updater.core import retrying
from updater.core.offers import is_listed
from updater.errors import RegistryError, RegistryUnavailable, UpdaterError
from updater.model import Decision, Outcome
from updater.pipeline import Report
from updater.polling import NO_LISTINGS, Listings
from updater.registry import Registries
from updater.sight import Sight
from updater.working.bell import Bell

SOON = timedelta(minutes=5)
"""After a push has landed. What comes meanwhile is looked at together."""
TOGETHER = 10
"""Of so many images at the most registries are asked in one pass whether something of them may land."""
_SPREAD = 0.1
"""By how much of the interval a look comes earlier or later, so that many services do not ask at the same time."""
_logger = logging.getLogger(__name__)
Wanted: TypeAlias = Mapping[str, Collection[str]]
"""Images, and the tags of each of which it has to be known what they name."""
Start: TypeAlias = Callable[[Callable[[], None]], None]
"""Has something done by somebody else."""


def in_background(work: Callable[[], None]) -> None:
    """Has it done by a thread that the end of the process does not wait for."""
    Thread(target=work, name="looking", daemon=True).start()


class Looks:
    """The times of the next looks (UTC). The first one is due at once; without an interval there is none.

    Some images are looked at between: those that got no answer, after pauses that grow, and those in which a push has
    landed, `SOON` after it. Without that nobody would know of what the next look finds whether it is older.
    """

    def __init__(self, interval: timedelta | None, now: Callable[[], datetime], chance: Callable[[], float]) -> None:
        self._interval = interval
        self._now = now
        self._chance = chance
        self._at = now()
        self._between: dict[str, datetime] = {}
        self._failures = 0

    @property
    def at(self) -> datetime | None:
        """When the next one is due. A clock that was put back does not put it off."""
        if self._interval is None:
            return None
        now = self._now()
        self._at = min(self._at, now + self._interval * (1 + _SPREAD))
        self._between = {image: min(time, now + retrying.LONGEST) for image, time in self._between.items()}
        return min([self._at, *self._between.values()])

    def is_due(self) -> bool:
        """Whether it is time."""
        return self.at is not None and self.at <= self._now()

    def begun(self, wanted: Wanted) -> Wanted:
        """What of all that is wanted the look that is due is for."""
        now = self._now()
        if self._interval is None or now < self._at:
            due = {image for image, time in self._between.items() if time <= now}
        else:
            due = set(wanted)
            self._at = now + self._interval * (1 + _SPREAD * (2 * self._chance() - 1))
        self._between = {image: time for image, time in self._between.items() if image not in due and image in wanted}
        return {image: tags for image, tags in wanted.items() if image in due}

    def failed(self) -> None:
        """Nobody knows what is wanted. That is asked again after a pause."""
        self._at = self._now() + retrying.pause(self._failures, self._chance())
        self._failures += 1

    def ended(self, failed: Collection[str]) -> None:
        """The look is over. It has brought nothing of these images, since their registries did not answer."""
        self._failures = self._failures + 1 if failed else 0
        again = self._now() + retrying.pause(self._failures, self._chance())
        self._between |= dict.fromkeys(failed, again)

    def landed(self, images: Collection[str]) -> None:
        """Something else stands in these images by now."""
        soon = self._now() + SOON
        self._between = {**dict.fromkeys(images, soon), **self._between}


@dataclass(frozen=True, slots=True)
class Look:
    """What registries listed, and how long that took."""

    listings: Listings
    seconds: float


class Lookout:
    """Asks registries in the background, once at a time, and keeps what they said until it was decided on.

    All methods are called by the worker's thread; `start` has the asking done by another one, and then the bell rings.
    """

    def __init__(self, looks: Looks, bell: Bell, monotonic: Callable[[], float], start: Start) -> None:
        self._looks = looks
        self._bell = bell
        self._monotonic = monotonic
        self._start = start
        self._is_under_way = False
        self._found: Look | None = None
        self._left: Listings = NO_LISTINGS
        self._later: Listings = NO_LISTINGS
        self._decisions: tuple[Decision, ...] = ()

    @property
    def at(self) -> datetime | None:
        """When something is to be begun, if nothing that is under way comes first."""
        return None if self._is_under_way else self._looks.at

    @property
    def found(self) -> Look | None:
        """What has to be decided on."""
        return self._found

    def look(self, sight: Sight) -> None:
        """Has registries asked about everything that is followed, if that is due and they can be asked."""
        if self._is_under_way or not self._looks.is_due():
            return
        registries = sight.registries
        try:
            wanted = self._looks.begun({} if registries is None else polling.wanted(sight))
        except UpdaterError as error:
            _logger.warning("registries are looked at later: %s", error)
            self._looks.failed()
            return
        if registries is None or not wanted:
            self._looks.ended(())
            return
        self._is_under_way = True
        self._start(lambda: self._ask(registries, wanted))

    def landed(self, report: Report) -> None:
        """Pushes may have landed."""
        committed = (each for each in report.decisions if each.outcome is Outcome.COMMITTED)
        self._looks.landed({each.image for each in committed if each.event is not None})

    def portion(self, sight: Sight) -> Listings:
        """What is to be decided on now of what was found. Events go on between, however much registries are asked."""
        now, self._later = polling.apart(sight, self._left, TOGETHER)
        return now

    def decided(self, report: Report) -> Report | None:
        """That has been decided on. Gives what came of the whole look, and None as long as something of it is left."""
        self._decisions += report.decisions
        self._left = self._later
        if self._left:
            self._bell.tell()
            return None
        whole = Report(self._decisions)
        listings = NO_LISTINGS if self._found is None else self._found.listings
        silent = {image for image, each in listings.items() if isinstance(each, RegistryError) and each.retry}
        self._looks.ended(silent | _undecided(whole))
        self._found, self._decisions, self._is_under_way = None, (), False
        return whole

    def _ask(self, registries: Registries, wanted: Wanted) -> None:
        began = self._monotonic()
        try:
            listings = registries.listings(wanted)
        except Exception:
            if self._bell.stopped:  # they were closed while they answered
                return
            _logger.exception("looking at registries failed unexpectedly")
            listings = dict.fromkeys(wanted, RegistryUnavailable("the look at the registries failed unexpectedly"))
        self._left = listings
        self._found = Look(listings, self._monotonic() - began)
        self._bell.tell()


def _undecided(report: Report) -> set[str]:
    """The images of versions that were listed, and about which a registry said nothing when it was asked again."""
    return {
        each.image for each in report.decisions if is_listed(each) and each.outcome is Outcome.REFUSED and each.retry
    }
