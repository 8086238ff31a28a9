"""What looks have found, as rows of numbers and text: times are microseconds since 1970."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from updater.core.sightings import Seen

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def row(seen: Seen) -> tuple[str | int | None, ...]:
    """The digest, then the times in the order of `Seen`'s other fields."""
    times = (seen.first, seen.before, seen.uploaded_at, seen.told, seen.missing)
    return (seen.digest, *(None if each is None else ticks(each) for each in times))


def seen(row: Sequence[Any]) -> Seen:
    """What was written as a row."""
    digest, first, *others = row
    before, uploaded_at, told, missing = (None if each is None else time(each) for each in others)
    return Seen(time(first), before, digest, uploaded_at, told, missing)


def ticks(time: datetime) -> int:
    """A time as a number."""
    return (time - _EPOCH) // _TICK


def time(ticks: int) -> datetime:
    """The time that a number stands for."""
    return _EPOCH + ticks * _TICK
