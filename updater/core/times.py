"""Durations, days and weekly times as environments write them, and whether a moment lies between two of them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEKLY = re.compile(rf"({'|'.join(WEEKDAYS)}) ([01][0-9]|2[0-3]):([0-5][0-9])")


def duration(text: str) -> timedelta | None:
    """`90s`, `30m`, `12h` or `2d`; None if it is not such a text."""
    match = _DURATION.fullmatch(text)
    return None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})


def day(text: str) -> date | None:
    """A day of the calendar as `2026-12-20`; None if it is not such a text or there is no such day."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def weekly(text: str) -> timedelta | None:
    """A weekday and time as `FRI 16:00`, as the time since Monday 00:00; None if it is not such a text."""
    match = _WEEKLY.fullmatch(text)
    if match is None:
        return None
    return timedelta(days=WEEKDAYS.index(match[1]), hours=int(match[2]), minutes=int(match[3]))


def moment(text: str) -> date | timedelta | None:
    """A `day` or a `weekly` time; None if it is neither."""
    return day(text) or weekly(text)


def time_zone(name: str) -> tzinfo:
    """The time zone of this name; `UTC` needs no data base of time zones.

    Raises as `zoneinfo.ZoneInfo` does: `ZoneInfoNotFoundError`, or ValueError or OSError for what can be no name.
    """
    return UTC if name == "UTC" else ZoneInfo(name)


def in_days(first: date, last: date, now: datetime, zone: tzinfo) -> bool:
    """Whether the calendar in `zone` shows one of the days from `first` to `last`, both included. `now` is aware."""
    return first <= now.astimezone(zone).date() <= last


def in_week(begin: timedelta, end: timedelta, now: datetime, zone: tzinfo) -> bool:
    """Whether `now` (aware) lies in the weekly window that begins at `begin` and is over at `end` (another one).

    Both are times since Monday 00:00 on the wall clock of `zone`; a window may go on into the next week. Where the
    clock jumps over one of them, the jump is meant. Where it comes twice, a window begins at the first and ends at the
    second occurrence, so that it never opens in between.
    """
    today = now.astimezone(zone).date()
    monday = datetime.combine(today - timedelta(days=today.weekday()), time.min)
    begins = (monday + begin, monday + begin - WEEK)
    length = (end - begin) % WEEK
    return any(_has_come(wall, 0, now, zone) and not _has_come(wall + length, 1, now, zone) for wall in begins)


def _has_come(wall: datetime, fold: int, now: datetime, zone: tzinfo) -> bool:
    """Whether the clock has shown `wall`, for the second time if it comes twice and `fold` is 1.

    Source: PEP 495. `fold` chooses between the offsets before and after a change of the clock. For a time that comes
    twice the one before is the earlier moment; for one that is jumped over it is the later.
    """
    moments = [wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1)]
    if moments[0] > moments[1]:
        return now.astimezone(zone).replace(tzinfo=None) >= wall  # neither is the jump, but the clock tells its sides
    return now >= moments[fold]
