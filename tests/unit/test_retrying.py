"""How long to wait before another try: longer each time, never for ever, and not in step with others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.retrying import LONGEST, pause

CHANCES = st.floats(min_value=0, max_value=1)


@pytest.mark.parametrize(
    ("tries", "chance", "seconds"),
    [(0, 0, 1), (0, 1, 2), (1, 0, 2), (1, 0.5, 3), (1, 1, 4), (8, 1, 512), (9, 0, 300), (9, 1, 600), (10**9, 1, 600)],
)
def test_pauses_begin_at_a_second_and_double_until_ten_minutes(tries: int, chance: float, seconds: float) -> None:
    assert pause(tries, chance) == timedelta(seconds=seconds)


@given(st.integers(0, 50), CHANCES)
def test_no_pause_is_shorter_than_a_second_or_longer_than_the_longest(tries: int, chance: float) -> None:
    assert timedelta(seconds=1) <= pause(tries, chance) <= LONGEST


@given(st.integers(0, 7), CHANCES, CHANCES)
def test_whoever_failed_more_often_never_waits_for_less_whatever_the_chance(
    tries: int, one: float, other: float
) -> None:
    assert pause(tries, one) <= pause(tries + 1, other)


@given(st.integers(0, 50))
def test_chance_spreads_those_who_failed_together_over_half_of_the_pause(tries: int) -> None:
    assert pause(tries, 0) * 2 == pause(tries, 1)
