"""What landed where, newest first: the answer of `updater history`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from updater.by_hand.services import Services, changed_lately, services
from updater.core import holds, matching
from updater.errors import UpdaterError
from updater.forge import PullRequest
from updater.model import Landing, Origin, Target, Version
from updater.protocols import Ranking
from updater.sight import Sight


class How(StrEnum):
    """How a version got into an entry: by an event, a pull request, somebody's hand, or somebody who moved back."""

    EVENT = "event"
    MERGED = "merged"
    BY_HAND = "by hand"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class Record:
    """A version landed in an entry; `before` is what stood there until then, None where it is the first one.

    `pull` is the pull request that brought it, and `took` how long that took: since it had landed in the environment
    `after`, or since its push where that is None. None of them where it is not known. `origin` and `origin_before` are
    where both versions were built from, as far as any landing of them in this entry tells.
    """

    target: Target
    before: Version | None
    landing: Landing
    how: How
    pull: PullRequest | None = None
    took: timedelta | None = None
    after: str | None = None
    origin: Origin | None = None
    origin_before: Origin | None = None


def history(
    sight: Sight, environment: str, globs: Sequence[str], limit: int
) -> tuple[list[Record], tuple[UpdaterError, ...]]:
    """The newest landings in an environment, at most `limit`, and files that could not be read.

    Where no service is named, only what the newest commits changed is looked at, so that a long history costs nothing.
    Raises `UsageError` where there is no such environment or service.
    """
    found = services(sight, environment, globs) if globs else changed_lately(sight, environment, limit)
    records = sorted(_records(sight, found), key=lambda record: record.landing.landed_at, reverse=True)
    return records[:limit], found.problems


def _records(sight: Sight, found: Services) -> Iterator[Record]:
    entries = [target.entry for target in found.targets]
    for target, landings in zip(found.targets, sight.catalog.landings(found.branch, found.tip, entries), strict=True):
        order = matching.order_of(found.known, found.environment.name, target.entry.image or "")
        yield from reversed(list(_told(target, landings, order)))


def _told(target: Target, landings: Sequence[Landing], order: Ranking) -> Iterator[Record]:
    origins = {landing.version: landing.origin for landing in landings if landing.origin is not None}
    for landing, before, past in holds.folded(landings, order):
        moved_back = any(hold.commit == landing.commit for hold in past.holds)
        how = How.EVENT if landing.event else How.REVERT if moved_back else How.BY_HAND
        origin = landing.origin or origins.get(landing.version)
        older = None if before is None else origins.get(before)
        yield Record(target, before, landing, how, origin=origin, origin_before=older)
