"""When what a registry lists was pushed, as far as looks at it and events tell. Pure.

A list of tags says what is there, and mostly not since when. So each look is compared with the one before: what was not
there then was pushed in between. Events that were seen know it better, whenever they come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from updater.model import APART, Version
from updater.registry import Listing, Tagged

FORGOTTEN = timedelta(days=7)
"""After so long a tag that is not listed is forgotten: a list that misses one for once makes no old push new."""
NEAR = timedelta(minutes=5)
"""By so much clocks may differ that are in order."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tag that a registry lists. `digest` is what it names, where that is known.

    `pushed_at` is when it was pushed, as an event or the registry told, else when it was found first; None where it was
    there when the image was looked at for the first time, so that nobody knows. `earliest` is the earliest that it can
    have been pushed; None where nobody knows.
    """

    digest: str | None = None
    pushed_at: datetime | None = None
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What looks have found behind a tag.

    `first` is the look that found it, `before` the last one that did not; None where there was none, so that it may
    have been there for ever. `digest` is what the tag named when that was told last: at the look `told`, or at the
    newest one where that is None. `missing` is the first look at which the tag was not listed any more.
    """

    first: datetime
    before: datetime | None = None
    digest: str | None = None
    uploaded_at: datetime | None = None
    told: datetime | None = None
    missing: datetime | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of an image: when it was looked at, what was found behind its tags, and what stood then."""

    looked_at: datetime
    tags: Mapping[str, Seen] = field(default_factory=dict)
    standing: frozenset[Version] = frozenset()


def looked(known: Knowledge | None, listing: Listing, standing: frozenset[Version] = frozenset()) -> Knowledge:
    """What is known after a look. `known` is None at the first one; `standing` are the versions in entries by now."""
    now, listed = listing.asked_at, listing.tags
    before = None if known is None else _at_the_earliest(known.looked_at, now)
    old = {} if known is None else known.tags
    tags = {tag: _seen(old.get(tag), each, before, now) for tag, each in listed.items()}
    gone = {tag: _missed(seen, before or now, now) for tag, seen in old.items() if tag not in listed}
    # Who may not read a repository is told that it is not there: an empty list is no reason to forget what was in it.
    kept = {tag: seen for tag, seen in gone.items() if not (listed and _is_forgotten(seen, now))}
    return Knowledge(now, tags | kept, standing)


def is_news(known: Knowledge | None, new: Knowledge) -> bool:
    """Whether it matters that there was another look.

    Where nothing has changed, the time of the older one will do: what is found next was pushed after both, and after
    what stands.
    """
    if known is None or known.looked_at - new.looked_at > NEAR:  # made by a clock that was wrong
        return True
    return (known.tags, known.standing) != (new.tags, new.standing)


def sightings(known: Knowledge, listing: Listing) -> dict[str, Sighting]:
    """The tags that a look has listed, with the times of their pushes. `known` is what is known after it."""
    return {tag: _sighting(known.tags[tag], each, listing.pushes.get(tag, ())) for tag, each in listing.tags.items()}


def _at_the_earliest(looked_at: datetime, now: datetime) -> datetime:
    """When an earlier look was made: where its clock was ahead of ours, nobody knows by how much."""
    ahead = looked_at - now
    if ahead <= timedelta(0):
        return looked_at
    return now - (NEAR if ahead <= NEAR else APART)


def _seen(old: Seen | None, each: Tagged, before: datetime | None, now: datetime) -> Seen:
    if old is None:
        return Seen(now, before, each.digest, each.uploaded_at)
    old = _sane(old, now)
    if old.missing is None and old.told is None and old.digest is None and each.digest is None:
        return old  # as nearly all are
    last_told = old.told or before
    if each.digest is None:
        told = None if old.digest is None else last_told
        return replace(old, told=told, missing=None)
    if old.digest == each.digest:
        return replace(old, uploaded_at=old.uploaded_at or each.uploaded_at, told=None, missing=None)
    if old.digest is None:
        return replace(old, digest=each.digest, uploaded_at=each.uploaded_at, missing=None)
    return Seen(now, last_told, each.digest, each.uploaded_at)


def _sane(seen: Seen, now: datetime) -> Seen:
    """Where the clock was put back: nothing was seen in what is to come."""
    if all(time is None or time <= now for time in (seen.first, seen.before, seen.told)):
        return seen
    before, told = (None if time is None else _at_the_earliest(time, now) for time in (seen.before, seen.told))
    return replace(seen, first=min(seen.first, now), before=before, told=told)


def _missed(seen: Seen, before: datetime, now: datetime) -> Seen:
    """The same of a tag that is not listed."""
    told = seen.told if seen.digest is None else seen.told or before
    return replace(seen, told=told, missing=seen.missing or now)


def _is_forgotten(seen: Seen, now: datetime) -> bool:
    return seen.missing is not None and now - seen.missing > FORGOTTEN


def _sighting(seen: Seen, each: Tagged, pushes: Collection[tuple[str | None, datetime]]) -> Sighting:
    told = min((time for digest, time in pushes if _is_about(seen, digest, time)), default=None)
    if told is not None:
        return Sighting(each.digest, told, told)
    if seen.uploaded_at is not None and (seen.before is None or seen.before < seen.uploaded_at):
        uploaded = min(seen.uploaded_at, seen.first)
        return Sighting(each.digest, uploaded, uploaded)  # its tag may be younger, which nobody tells
    return Sighting(each.digest, None if seen.before is None else seen.first, seen.before)


def _is_about(seen: Seen, digest: str | None, time: datetime) -> bool:
    """Whether an event tells of the push of what was found.

    What came after it was found is another push, or an old one told again. An event that does not tell the same digest
    may be about what the tag named before.
    """
    if time > seen.first:
        return False
    if digest is not None and seen.digest is not None:
        return digest == seen.digest
    return seen.before is None or time >= seen.before
