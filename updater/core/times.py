"""Durations, days and weekly times as environments write them, and when that which lies between two of them ends."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)
NEVER = datetime.max.replace(tzinfo=UTC)
"""The end of what has none."""
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEKLY = re.compile(rf"({'|'.join(WEEKDAYS)}) ([01][0-9]|2[0-3]):([0-5][0-9])")


def duration(text: str) -> timedelta | None:
    """`90s`, `30m`, `12h` or `2d`; None if it is not such a text."""
    match = _DURATION.fullmatch(text)
    return None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})


def shown(duration: timedelta) -> str:
    """A duration as people write it, exact to the second: `30m`, `1d 2h`, `0s`. Parts of a second count as a whole one.

    Who waits as long as that has waited long enough.
    """
    if duration < timedelta(0):
        return f"-{shown(-duration)}"
    minutes, seconds = divmod(-(-duration // timedelta(seconds=1)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{count}{unit}" for count, unit in zip((days, hours, minutes, seconds), "dhms", strict=True) if count]
    return " ".join(parts) or "0s"


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


def ends_in_days(first: date, last: date, now: datetime, zone: tzinfo) -> datetime | None:
    """When the days from `first` to `last`, both included, are over (UTC); None if the calendar in `zone` shows none.

    `now` is aware. Where a midnight comes twice, it is the next one. The last year of the calendar is over at `NEVER`.
    """
    if not first <= now.astimezone(zone).date() <= last:
        return None
    if last.year == MAXYEAR:
        return NEVER
    midnights = [_comes(datetime.combine(last + timedelta(days=1), time.min), fold, zone) for fold in (0, 1)]
    return midnights[0] if now < midnights[0] else midnights[1]


def ends_in_week(begin: timedelta, end: timedelta, now: datetime, zone: tzinfo) -> datetime | None:
    """When the weekly window is over (UTC) in which `now` (aware) lies; None if it lies in none.

    A window begins at `begin` and is over at `end` (another one), both times since Monday 00:00 on the wall clock of
    `zone`; it may go on into the next week. Where the clock jumps over one of them, the jump is meant. Where it comes
    twice, a window begins at the first and ends at the second occurrence, so that it never opens in between.
    """
    today = now.astimezone(zone).date()
    monday = datetime.combine(today - timedelta(days=today.weekday()), time.min)
    length = (end - begin) % WEEK
    begun = [wall for wall in (monday + begin, monday + begin - WEEK) if _comes(wall, 0, zone) <= now]
    return max((over for wall in begun if (over := _comes(wall + length, 1, zone)) > now), default=None)


def _comes(wall: datetime, fold: int, zone: tzinfo) -> datetime:
    """When the clock shows `wall` (UTC), for the second time if it comes twice and `fold` is 1, or jumps over it.

    Source: PEP 495. `fold` chooses between the offsets before and after a change of the clock. For a time that comes
    twice the one before is the earlier moment; for one that is jumped over it is the later, and the jump lies between.
    """
    moments = [wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1)]
    late, early = moments
    if late <= early:
        return moments[fold]
    seconds = range(int((late - early).total_seconds()))
    return early + timedelta(seconds=bisect_left(seconds, True, key=lambda each: _shows(early, each, zone) >= wall))


def _shows(moment: datetime, seconds: int, zone: tzinfo) -> datetime:
    return (moment + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None)
