"""Times as senders write them: believed only when they are complete and plausible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import instants

TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PLAUSIBLE = st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30))  # noqa: DTZ001 - the strategy adds the offset
OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20T10:00:00Z", TEN),
        ("2026-11-20t10:00:00z", TEN),
        ("2026-11-20 10:00:00Z", TEN),
        ("2026-11-20T11:00:00+01:00", TEN),
        ("2026-11-20T02:00:00-08:00", TEN),
        ("2026-11-20T10:00:00.5Z", TEN.replace(microsecond=500_000)),
        ("2026-11-20T10:00:00.000001Z", TEN.replace(microsecond=1)),
        ("2026-11-20T10:00:00.123456789Z", TEN.replace(microsecond=123_456)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_rfc_3339_time_is_read_in_utc(text: str, instant: datetime) -> None:
    assert instants.from_text(text) == instant


@pytest.mark.parametrize(
    "value",
    [
        None,
        1795168800,
        "",
        "yesterday",
        "2026-11-20",
        "2026-11-20T10:00:00",
        "2026-11-20T10:00Z",
        "20261120T100000Z",
        "2026-11-20T10:00:00.1234567890Z",
        "2026-11-20T10:00:00+0100",
        "2026-11-20T10:00:00+24:00",
        "2026-11-31T10:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T10:00:00Z\n",
        "\u0662026-11-20T10:00:00Z",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_text_that_is_no_complete_or_no_plausible_time_is_none(value: object) -> None:
    assert instants.from_text(value) is None


@pytest.mark.parametrize("value", [1795168800, 1795168800.0, "1795168800", "1.7951688e9"])
def test_seconds_since_1970_are_read_as_number_or_text(value: object) -> None:
    assert instants.from_unix(value) == TEN


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        "nan",
        "inf",
        float("inf"),
        float("nan"),
        -1,
        0,
        946_684_799,
        4_133_980_800,
        1795168800000,
        10**400,
        [1],
        {},
    ],
)
def test_seconds_that_are_no_number_or_not_plausible_are_none(value: object) -> None:
    assert instants.from_unix(value) is None


@given(PLAUSIBLE, OFFSETS)
def test_a_time_is_the_same_whatever_offset_it_is_written_with(naive: datetime, offset: timezone) -> None:
    instant = naive.replace(tzinfo=UTC)
    written = instant.astimezone(offset).isoformat()
    assert instants.from_text(written) == instant
    assert instants.from_text(written.replace("T", " ")) == instant
