"""How often registries are asked, and which servers are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.registry_clients import Hand
from updater.errors import RegistryUnavailable
from updater.registries.paces import LONGEST, Pace, Rests


@given(st.integers(1, 100), st.lists(st.floats(0, 30), min_size=1, max_size=150))
def test_no_minute_sees_more_calls_than_are_allowed(allowed: int, gaps: list[float]) -> None:
    hand, calls = Hand(), []
    pace = Pace("reg.example", allowed, hand.monotonic, hand.pause)
    for gap in (*gaps, *[0.0] * (allowed + 1)):
        hand.seconds += gap
        try:
            pace.take()
        except RegistryUnavailable:
            hand.seconds += LONGEST
        else:
            calls.append(hand.seconds)
    for first, next_but in zip(calls, calls[allowed:], strict=False):
        assert next_but - first >= 60 - 1e-6


def test_a_burst_is_not_held_up_and_what_follows_is_spread() -> None:
    hand = Hand()
    pace = Pace("reg.example", 600, hand.monotonic, hand.pause)
    for _ in range(150):
        pace.take()
    assert hand.pauses == []
    for _ in range(100):
        pace.take()
    assert hand.seconds == pytest.approx(100 * 60 / 451)


def test_who_would_have_to_wait_too_long_is_told_and_takes_no_turn() -> None:
    hand = Hand()
    pace = Pace("reg.example", 1, hand.monotonic, hand.pause)
    pace.take()
    for _ in range(3):
        with pytest.raises(RegistryUnavailable, match=r"reg\.example .* 1 times in a minute") as caught:
            pace.take()
        assert "calls-per-minute" in (caught.value.hint or "")
    hand.seconds += 60 - LONGEST
    pace.take()
    assert hand.pauses == [LONGEST]


def test_a_server_is_left_alone_for_its_time_and_no_other_with_it() -> None:
    hand = Hand()
    rests = Rests(hand.monotonic)
    rests.begin("a", 10, "is down")
    rests.begin("a", 5, "is down again")
    rests.begin("b", 2, "is limited")
    assert (rests.reason("a"), rests.reason("b"), rests.reason("c")) == ("is down", "is limited", None)
    hand.seconds = 9.9
    assert (rests.reason("a"), rests.reason("b")) == ("is down", None)
    hand.seconds = 10
    assert rests.reason("a") is None
    rests.begin("a", 1, "is down anew")
    assert rests.reason("a") == "is down anew"
