"""Durations, days and weekly times as people write them into an environment's file, and the clocks they are read on."""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from updater.core import times

ZERO, MINUTE, WEEK = timedelta(0), timedelta(minutes=1), timedelta(days=7)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

# The last minute before changes of the clock: at night, at midnight, just after; by half an hour, one, two, a day.
CHANGES = {
    "Europe/Berlin": ["2025-03-30T00:59", "2025-10-26T00:59"],
    "America/Santiago": ["2024-09-08T03:59", "2024-04-07T02:59"],
    "America/Havana": ["2024-03-10T04:59", "2024-11-03T04:59"],
    "America/St_Johns": ["2010-03-14T03:30", "2010-11-07T02:30"],
    "Australia/Lord_Howe": ["2024-10-05T15:29", "2024-04-06T14:59"],
    "Antarctica/Troll": ["2024-10-27T00:59"],
    "Pacific/Apia": ["2011-12-30T09:59"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_duration_is_a_whole_number_with_its_unit(text: str, expected: timedelta) -> None:
    assert times.duration(text) == expected


@pytest.mark.parametrize("text", ["", "30", "m", "1h30m", "-1h", "1.5h", " 1h", "1h\n", "1H", "1w", "9999999d", "١h"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert times.duration(text) is None


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=45), "45s"),
        (timedelta(minutes=30), "30m"),
        (timedelta(minutes=90), "1h 30m"),
        (timedelta(hours=26), "1d 2h"),
        (timedelta(days=2, seconds=1), "2d 1s"),
        (timedelta(days=400, hours=1, minutes=2, seconds=3), "400d 1h 2m 3s"),
        (timedelta(microseconds=1), "1s"),
        (timedelta(seconds=59, microseconds=1), "1m"),
        (timedelta(seconds=-90), "-1m 30s"),
    ],
)
def test_a_duration_is_shown_as_people_write_it(duration: timedelta, expected: str) -> None:
    assert times.shown(duration) == expected


@given(st.integers(0, 10**10))
def test_nothing_of_a_duration_is_lost_in_showing_it(seconds: int) -> None:
    parts = [times.duration(part) for part in times.shown(timedelta(seconds=seconds)).split()]
    assert sum((part for part in parts if part is not None), ZERO) == timedelta(seconds=seconds)
    assert None not in parts


@given(st.dates())
def test_every_day_of_the_calendar_is_read_back(day: date) -> None:
    assert times.day(day.isoformat()) == day


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-13-01", "20261220", "2026-W01-1", "2026-12-20T00:00", "", "0000-01-01"]
)
def test_anything_else_is_no_day(text: str) -> None:
    assert times.day(text) is None


def test_a_weekly_time_counts_from_monday() -> None:
    assert times.weekly("MON 00:00") == timedelta(0)
    assert times.weekly("FRI 16:00") == timedelta(days=4, hours=16)
    assert times.weekly("SUN 23:59") == timedelta(days=6, hours=23, minutes=59)


@pytest.mark.parametrize(
    "text", ["Fri 16:00", "FRI 24:00", "FRI 16:60", "FRI 4:00", "FRI", "16:00", "FRI  16:00", "XXX 16:00"]
)
def test_anything_else_is_no_weekly_time(text: str) -> None:
    assert times.weekly(text) is None


def test_a_moment_is_a_day_or_a_weekly_time() -> None:
    assert times.moment("2026-12-20") == date(2026, 12, 20)
    assert times.moment("MON 00:00") == timedelta(0)
    assert times.moment("tomorrow") is None


def test_utc_needs_no_data_base_of_time_zones() -> None:
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert times.time_zone("UTC") is UTC
    finally:
        zoneinfo.reset_tzpath()


def test_other_time_zones_come_from_the_data_base() -> None:
    assert str(times.time_zone("Europe/Berlin")) == "Europe/Berlin"
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        times.time_zone("Europe/Nowhere")


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-12-19T22:59:59", False),
        ("2026-12-19T23:00:00", True),
        ("2027-01-03T22:59:59", True),
        ("2027-01-03T23:00:00", False),
    ],
)
def test_days_are_whole_and_local_and_the_last_is_one_of_them(moment: str, inside: bool) -> None:
    assert (times.ends_in_days(date(2026, 12, 20), date(2027, 1, 3), utc(moment), BERLIN) is not None) is inside


@pytest.mark.parametrize(
    ("zone", "last", "moment", "over"),
    [
        ("UTC", "2026-11-20", "2026-11-20T23:59:59", "2026-11-21T00:00"),
        ("Europe/Berlin", "2027-01-03", "2026-12-19T23:00", "2027-01-03T23:00"),
        ("Pacific/Kiritimati", "2027-01-03", "2026-12-19T10:00", "2027-01-03T10:00"),
        # no midnight: the clock jumps over it, and over a whole day
        ("America/Santiago", "2024-09-07", "2024-09-07T12:00", "2024-09-08T04:00"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T12:00", "2011-12-30T10:00"),
        # midnight comes twice on the next day, and twice because the clock was set back to the last day just after it
        ("America/Havana", "2024-11-02", "2024-11-02T12:00", "2024-11-03T04:00"),
        ("America/St_Johns", "2010-11-06", "2010-11-06T12:00", "2010-11-07T02:30"),
        ("America/St_Johns", "2010-11-06", "2010-11-07T02:31", "2010-11-07T03:30"),
    ],
)
def test_days_are_over_at_the_next_midnight_after_the_last(zone: str, last: str, moment: str, over: str) -> None:
    found = times.ends_in_days(date(2010, 1, 1), date.fromisoformat(last), utc(moment), zoneinfo.ZoneInfo(zone))
    assert found == utc(over)


def test_the_days_of_all_the_calendar_never_end() -> None:
    assert times.ends_in_days(date.min, date.max, utc("2026-11-20T10:00"), BERLIN) == times.NEVER


@pytest.mark.parametrize(
    ("window", "moment", "inside"),
    [
        ("FRI 16:00 - MON 06:00", "2026-11-20T14:59:59.999999", False),
        ("FRI 16:00 - MON 06:00", "2026-11-20T15:00", True),
        ("FRI 16:00 - MON 06:00", "2026-11-23T04:59:59.999999", True),
        ("FRI 16:00 - MON 06:00", "2026-11-23T05:00", False),
        ("SUN 23:00 - MON 01:00", "2026-11-22T21:59", False),
        ("SUN 23:00 - MON 01:00", "2026-11-22T22:00", True),
        ("SUN 23:00 - MON 01:00", "2026-11-22T23:59", True),
        ("SUN 23:00 - MON 01:00", "2026-11-23T00:00", False),
        ("MON 08:00 - FRI 18:00", "2026-11-23T06:59", False),
        ("MON 08:00 - FRI 18:00", "2026-11-23T07:00", True),
        ("MON 08:00 - FRI 18:00", "2026-11-27T17:00", False),
        ("MON 00:00 - SUN 23:59", "2026-11-22T22:58", True),
        ("MON 00:00 - SUN 23:59", "2026-11-22T22:59", False),
        ("MON 00:00 - SUN 23:59", "2026-11-22T23:00", True),
    ],
)
def test_a_window_begins_at_its_first_minute_and_is_over_at_its_last(window: str, moment: str, inside: bool) -> None:
    assert covered(window, moment, "Europe/Berlin") is inside


@pytest.mark.parametrize(
    ("window", "zone", "first", "over"),
    [
        # Berlin jumps from 02:00 to 03:00 at 01:00 UTC
        ("SUN 02:30 - SUN 04:00", "Europe/Berlin", "2025-03-30T01:00", "2025-03-30T02:00"),
        ("SUN 01:30 - SUN 02:10", "Europe/Berlin", "2025-03-30T00:30", "2025-03-30T01:00"),
        # and goes back from 03:00 to 02:00 at 01:00 UTC
        ("SUN 02:30 - SUN 04:00", "Europe/Berlin", "2025-10-26T00:30", "2025-10-26T03:00"),
        ("SUN 01:30 - SUN 02:10", "Europe/Berlin", "2025-10-25T23:30", "2025-10-26T01:10"),
        ("SUN 02:10 - SUN 02:20", "Europe/Berlin", "2025-10-26T00:10", "2025-10-26T01:20"),
        ("SUN 03:00 - SUN 04:00", "Europe/Berlin", "2025-10-26T02:00", "2025-10-26T03:00"),
        # Santiago has no 00:00 on the Sunday, and twice the last hour of the Saturday
        ("SUN 00:00 - SUN 02:00", "America/Santiago", "2024-09-08T04:00", "2024-09-08T05:00"),
        ("SAT 23:30 - SUN 02:00", "America/Santiago", "2024-04-07T02:30", "2024-04-07T06:00"),
        # Lord Howe changes by half an hour
        ("SUN 02:10 - SUN 03:00", "Australia/Lord_Howe", "2024-10-05T15:30", "2024-10-05T16:00"),
        ("SUN 01:45 - SUN 03:00", "Australia/Lord_Howe", "2024-04-06T14:45", "2024-04-06T16:30"),
        # St John's was set back from a minute past midnight
        ("SUN 00:00 - SUN 06:00", "America/St_Johns", "2010-11-07T02:30", "2010-11-07T09:30"),
        ("SAT 12:00 - SUN 00:00", "America/St_Johns", "2010-11-06T14:30", "2010-11-07T03:30"),
        # Samoa had no Friday, 30 December 2011
        ("FRI 16:00 - MON 06:00", "Pacific/Apia", "2011-12-30T10:00", "2012-01-01T16:00"),
    ],
)
def test_a_window_follows_the_clock_through_its_changes(window: str, zone: str, first: str, over: str) -> None:
    inside = [covered(window, minute, zone) for minute in minutes(utc(first) - 2 * MINUTE, utc(over) + 2 * MINUTE)]
    assert inside == [False, False, *[True] * (len(inside) - 4), False, False]


def covered(window: str, moment: str | datetime, zone: str) -> bool:
    begin, end = (times.weekly(text) for text in window.split(" - "))
    assert begin is not None
    assert end is not None
    now = utc(moment) if isinstance(moment, str) else moment
    return times.ends_in_week(begin, end, now, zoneinfo.ZoneInfo(zone)) is not None


@dataclass(frozen=True)
class Walk:
    """Days about a change of the clock, walked minute by minute: what the clock showed, and when it did.

    `twice` are the moments, two each, of the weekly times that came twice.
    """

    change: datetime
    clock: dict[datetime, datetime]
    shown: dict[datetime, list[datetime]]
    twice: dict[timedelta, list[datetime]]

    def comes(self, wall: datetime, occurrence: int) -> datetime:
        """When the clock shows `wall`, or else jumps over it."""
        if wall in self.shown:
            return self.shown[wall][occurrence]
        return next(minute for minute, shown in self.clock.items() if shown > wall)

    def windows(self, begin: timedelta, end: timedelta) -> list[tuple[datetime, datetime]]:
        """From the first time that a weekly window begins to the last time that it ends, for each week."""
        first, last = min(self.shown), max(self.shown)
        monday = datetime.combine(first - timedelta(days=first.weekday()), datetime.min.time())
        opens = [monday + week * WEEK + begin for week in range(4)]
        pairs = [(each, each - begin + end + (WEEK if end < begin else ZERO)) for each in opens]
        return [(self.comes(one, 0), self.comes(two, -1)) for one, two in pairs if first <= one and two <= last]

    def days(self) -> set[date]:
        """All that the clock shows."""
        return {shown.date() for shown in self.clock.values()}

    def compared(self) -> list[datetime]:
        """All minutes about the change, and some of the days around it."""
        about = minutes(self.change - 150 * MINUTE, self.change + 150 * MINUTE)
        return [*about, *(self.change + each * 111 * MINUTE for each in range(-25, 25))]


@cache
def walk(zone: str, before: str) -> Walk:
    change = utc(before) + MINUTE
    clock = {minute: wall(minute, zone) for minute in minutes(change - 1.5 * WEEK, change + 1.5 * WEEK)}
    assert wall(change, zone) - wall(utc(before), zone) != MINUTE
    shown: dict[datetime, list[datetime]] = defaultdict(list)
    for minute, at in clock.items():
        shown[at].append(minute)
    return Walk(change, clock, shown, {phase(at): came for at, came in shown.items() if len(came) > 1})


@st.composite
def weekly_times(draw: st.DrawFn, change: datetime, zone: str) -> timedelta:
    """Any weekly time, or one near what the clock shows about its change: shown once, twice or never."""
    if draw(st.booleans()):
        return draw(st.integers(0, 7 * 24 * 60 - 1)) * MINUTE
    at = wall(change + draw(st.integers(-130, 130)) * MINUTE, zone) + draw(st.integers(-130, 130)) * MINUTE
    return phase(at)


CLOCKS = pytest.mark.parametrize(("zone", "before"), [(zone, each) for zone in CHANGES for each in CHANGES[zone]])


@CLOCKS
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_window_covers_what_a_walk_along_the_clock_finds_and_ends_where_that_ends(
    zone: str, before: str, data: st.DataObject
) -> None:
    walked = walk(zone, before)
    begin, end = data.draw(st.lists(weekly_times(walked.change, zone), min_size=2, max_size=2, unique=True))
    windows = walked.windows(begin, end)
    tz = zoneinfo.ZoneInfo(zone)
    for minute in walked.compared():
        expected = max((over for opens, over in windows if opens <= minute < over), default=None)
        assert times.ends_in_week(begin, end, minute, tz) == expected


@CLOCKS
def test_days_end_where_a_walk_along_the_clock_leaves_them(zone: str, before: str) -> None:
    walked, tz = walk(zone, before), zoneinfo.ZoneInfo(zone)
    change = wall(walked.change, zone).date()
    later = {day: [each for each, shown in walked.clock.items() if shown.date() > day] for day in walked.days()}
    for minute in walked.compared():
        last = max(change, walked.clock[minute].date())
        over = next(each for each in later[last] if each > minute)
        assert times.ends_in_days(date.min, last, minute, tz) == over


@CLOCKS
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_window_and_its_complement_overlap_only_about_a_boundary_that_comes_twice(
    zone: str, before: str, data: st.DataObject
) -> None:
    walked, tz = walk(zone, before), zoneinfo.ZoneInfo(zone)
    begin, end = data.draw(st.lists(weekly_times(walked.change, zone), min_size=2, max_size=2, unique=True))
    twice = [came for at, came in walked.twice.items() if at in (begin, end)]
    for minute in walked.compared():
        windows = [times.ends_in_week(*each, minute, tz) for each in ((begin, end), (end, begin))]
        assert 2 - windows.count(None) == 1 + any(first <= minute < second for first, second in twice)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def phase(at: datetime) -> timedelta:
    return timedelta(days=at.weekday(), hours=at.hour, minutes=at.minute)


def minutes(first: datetime, over: datetime) -> list[datetime]:
    return [first + each * MINUTE for each in range((over - first) // MINUTE)]
