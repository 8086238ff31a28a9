"""How fast a forge may be written to: never more than so many in a time, and never slower than needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.pace import LIMITS, REMEMBERED, seconds_to_wait

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=one) for one in seconds]


@pytest.mark.parametrize(
    ("writes", "seconds"),
    [
        (at(), 0),
        (at(*[0] * 79), 0),
        (at(*[0] * 80), 60),
        (at(*[-59.5] * 80), 0.5),
        (at(*[-60] * 80), 0),
        (at(*[-30] * 79, 0), 30),
        (at(-50, *[-30] * 80), 30),
        (at(*[-100] * 499), 0),
        (at(*[-100] * 500), 3500),
        (at(-3000, *[-100] * 499), 600),
        (at(*[-3600] * 500), 0),
    ],
)
def test_the_next_write_waits_until_the_oldest_of_too_many_is_old_enough(
    writes: list[datetime], seconds: float
) -> None:
    assert seconds_to_wait(writes, NOON) == seconds


def test_a_clock_that_was_put_back_makes_nobody_wait_longer_than_a_limits_own_time() -> None:
    assert seconds_to_wait(at(*[86400] * 80), NOON) == 60


@given(st.lists(st.floats(min_value=0, max_value=40), max_size=700))
def test_who_waits_as_told_keeps_every_limit_and_waits_for_nothing_else(gaps: list[float]) -> None:
    writes: list[datetime] = []
    now = NOON
    for gap in gaps:
        now += timedelta(seconds=gap)
        waited = seconds_to_wait(writes[-REMEMBERED:], now)
        now += timedelta(seconds=waited)
        before = now - timedelta(microseconds=2)
        assert all(sum(write > now - span for write in writes) < count for count, span in LIMITS)
        assert not waited or any(sum(write > before - span for write in writes) >= count for count, span in LIMITS)
        writes.append(now)
