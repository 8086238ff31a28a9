"""What a registry lists that may be newer than what stands: pushes that no event told of. Pure.

A list of tags does not say when each was pushed. What was there at the first look is only ever newer by its tag
(`order: semver` and the like); by the time of its push only what was found later, or was told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, TypeAlias

from updater.core.references import is_artifact_tag
from updater.core.rules import Rule
from updater.core.sightings import Sighting
from updater.model import Decision, Event, Version

SOURCE = "registry"
"""The name of a registry's list as the source of an event."""
MOST = 1000
"""How many versions of an image are offered, the best of them: more than that are newer nowhere but in a mistake."""
MOST_SIGNED = 8
"""The same where a signature is asked for, which takes some requests for each that turns out to have none."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_NUMBERS = re.compile(r"(\d+)")
_TICK = timedelta(microseconds=1)
_Natural: TypeAlias = tuple[tuple[str, int, str], ...]


def offers(
    rule: Rule, image: str, tags: Mapping[str, Sighting], standing: Collection[Version], now: datetime
) -> tuple[Event, ...]:
    """The tags of an image that may be newer than one of the versions that stand in its entries, best first.

    So are those that stand, where they name another digest by now. `now` (UTC) is when they count as pushed where
    nobody knows and only their tags decide.
    """
    here = [(version, rule.key(version.tag or "")) for version in standing]
    found = [_event(image, tag, seen, now) for tag, seen in tags.items() if _is_offered(rule, tag, seen, here)]
    ranked = sorted(_told_apart(found), key=lambda event: rule.rank(event.version, event.time), reverse=True)
    return tuple(ranked[: MOST if rule.follow.signed_by is None else MOST_SIGNED])


def as_early(event: Event, standing: Version) -> Event:
    """What only a look has found, as it compares with what stands: as early as it can have been pushed.

    Otherwise it could be taken for newer than what came by its event in the meantime. But what the tag that stands
    names now was pushed after what stands; and where nobody knows how early it was, its tag alone decides.
    """
    if _is_unknown(event) or event.version.tag == standing.tag:
        return event
    return replace(event, pushed_at=event.earliest)


def is_listed(decision: Decision) -> bool:
    """Whether it is on what a registry lists, and not on what an event told."""
    return decision.event is not None and decision.event.source == SOURCE


def is_doubtful(event: Event, since: datetime) -> bool:
    """Whether nobody knows if what a look has found was pushed before that moment or after it."""
    return not _is_unknown(event) and _earliest(event) <= since < event.received_at


def may_be_older(event: Event, since: datetime | None) -> bool:
    """Whether what a look has found may be older than what stands since that moment, as far as push times tell.

    What was there at the first look may be wanted by another entry; and what came by the same look as what stands has
    the same earliest time.
    """
    if event.earliest is None:
        return False
    return _is_unknown(event) or (since is not None and is_doubtful(event, since))


def _is_offered(rule: Rule, tag: str, seen: Sighting, standing: Collection[tuple[Version, Any]]) -> bool:
    """Whether a tag may be newer than one of the versions that stand, each of which comes with its key."""
    if is_artifact_tag(tag) or rule.refusal(tag) is not None:
        return False
    key = rule.key(tag)
    return any(
        _names_another(rule, seen, here) if tag == here.tag else _may_be_newer(key, seen, theirs)
        for here, theirs in standing
    )


def _names_another(rule: Rule, seen: Sighting, here: Version) -> bool:
    return rule.follow.pin == "digest" and seen.digest not in (None, here.digest)


def _may_be_newer(key: Any, seen: Sighting, theirs: Any) -> bool:
    return theirs is None or key > theirs or (seen.pushed_at is not None and key == theirs)


def _event(image: str, tag: str, seen: Sighting, now: datetime) -> Event:
    version = Version(tag, seen.digest)
    return Event(SOURCE, "tags", image, version, seen.pushed_at or now, earliest=seen.earliest or _NEVER)


def _told_apart(events: Collection[Event]) -> Iterator[Event]:
    """The same, but of what was found in one look, and nothing else tells apart, the last in the order of people was
    pushed last: `main-9` before `main-10`."""
    in_order = sorted(events, key=lambda event: (event.received_at, _natural(event.version.tag or "")))
    for _, mine in groupby(in_order, key=lambda event: event.received_at):
        together = list(mine)
        for behind, event in enumerate(reversed(together)):
            later = behind * _TICK
            earliest = event.earliest if _is_unknown(event) else _earliest(event) - later
            yield replace(event, received_at=event.received_at - later, earliest=earliest)


def _is_unknown(event: Event) -> bool:
    return _earliest(event) == _NEVER


def _earliest(event: Event) -> datetime:
    return event.earliest or _NEVER


def _natural(text: str) -> _Natural:
    """A key that sorts numbers in texts as numbers."""
    parts = _NUMBERS.split(text)
    return tuple((part, int(number or 0), number) for part, number in zip(parts[::2], [*parts[1::2], ""], strict=True))
