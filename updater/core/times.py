"""Durations, days and weekly times as environments write them."""

from __future__ import annotations

import re
from datetime import date, timedelta

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
