"""Durations, days and weekly times as people write them into an environment's file."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import times


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
