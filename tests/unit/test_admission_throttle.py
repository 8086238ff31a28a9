"""How often a sender may be wrong: per address, all strangers together, and never at the cost of who proved himself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.senders import NOON
from updater.admission import throttle
from updater.admission.throttle import LINES, PROVED, STRANGER, STRANGERS, Bucket, Limit, Seldom, Throttle

PEER = "192.0.2.7"


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def flooded(peer: str = PEER, times: int = STRANGER.burst) -> Throttle:
    found = Throttle()
    for _ in range(times):
        found.failed(peer, NOON)
    return found


def test_a_stranger_may_be_wrong_some_times_and_then_waits() -> None:
    found = flooded(times=STRANGER.burst - 1)
    assert found.admit(PEER, NOON) is None
    found.failed(PEER, NOON)
    assert found.admit(PEER, NOON) == 1 / STRANGER.rate


def test_after_the_wait_one_more_try_is_free() -> None:
    found = flooded()
    wait = found.admit(PEER, NOON)
    assert wait is not None
    then = NOON + later(wait)
    assert found.admit(PEER, then) is None
    found.failed(PEER, then)
    assert found.admit(PEER, then) == wait


def test_a_flood_is_not_waited_for_longer_than_a_few_wrong_proofs() -> None:
    assert flooded(times=10_000).admit(PEER, NOON + later(1 / STRANGER.rate)) is None


def test_one_peer_does_not_make_another_wait() -> None:
    assert flooded().admit("192.0.2.8", NOON) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("not an address", "not an address"),
        ("x" * 64 + "y", "x" * 64 + "z"),
    ],
)
def test_addresses_of_one_network_are_one_peer(one: str, other: str) -> None:
    assert flooded(one).admit(other, NOON) is not None


def test_two_networks_are_two_peers() -> None:
    assert flooded("2001:db8:1:2::1").admit("2001:db8:1:3::1", NOON) is None


def test_strangers_together_have_a_limit_too() -> None:
    found = Throttle()
    for number in range(STRANGERS.burst):
        found.failed(f"198.51.{number // 250}.{number % 250}", NOON)
    assert found.admit(PEER, NOON) == 1
    assert found.admit(PEER, NOON + later(1 / STRANGERS.rate)) is None


def test_who_proved_himself_is_not_stopped_by_strangers() -> None:
    found = Throttle()
    found.proved(PEER)
    for number in range(STRANGERS.burst):
        found.failed(f"198.51.{number // 250}.{number % 250}", NOON)
    assert found.admit("192.0.2.8", NOON) is not None
    assert found.admit(PEER, NOON) is None


def test_an_address_that_proved_itself_has_a_wide_limit_and_a_limit() -> None:
    found = Throttle()
    found.proved(PEER)
    for _ in range(PROVED.burst - 1):
        found.failed(PEER, NOON)
    assert found.admit(PEER, NOON) is None
    found.failed(PEER, NOON)
    assert found.admit(PEER, NOON) == 1


def test_a_proof_does_not_give_back_what_was_wrong_before() -> None:
    found = Throttle()
    found.proved(PEER)
    for _ in range(PROVED.burst):
        found.failed(PEER, NOON)
    found.proved(PEER)
    assert found.admit(PEER, NOON) is not None


def test_strangers_do_not_push_out_the_memory_of_who_proved_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_SIZE", 4)
    found = Throttle()
    found.proved(PEER)
    for number in range(100):
        found.failed(f"198.51.100.{number}", NOON)
    for _ in range(STRANGER.burst):
        found.failed(PEER, NOON)
    assert found.admit(PEER, NOON) is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_SIZE", 4)
    found = flooded("198.51.100.200")
    for number in range(4):
        found.failed(f"198.51.100.{number}", NOON)
    assert found.admit("198.51.100.200", NOON) is None


def test_who_was_wrong_last_is_remembered_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_SIZE", 4)
    found = flooded()
    for number in range(8):
        found.failed(f"198.51.100.{number}", NOON)
        found.failed(PEER, NOON)
    assert found.admit(PEER, NOON) is not None


def test_a_clock_that_is_set_back_makes_nobody_wait_until_it_is_there_again() -> None:
    assert flooded().admit(PEER, NOON - timedelta(days=1)) is None


@given(steps=st.lists(st.floats(0, 30), max_size=60))
def test_in_the_long_run_no_more_gets_through_than_the_limit_says(steps: list[float]) -> None:
    limit = Limit(3, 0.5)
    bucket, now, through = Bucket(limit), NOON, 0
    for step in steps:
        now += later(step)
        if not bucket.wait(now):
            bucket.add(now)
            through += 1
    assert through <= limit.burst + sum(steps) * limit.rate + 1e-6


def test_one_line_a_minute_is_told_of_a_peer_and_the_others_are_counted() -> None:
    seldom = Seldom()
    told = [seldom.tell(PEER, NOON + later(seconds)) for seconds in (0, 1, 59.9, 60, 61, 130)]
    assert told == [1, None, None, 3, None, 2]


def test_the_lines_of_many_peers_are_few_altogether() -> None:
    seldom = Seldom()
    told = [seldom.tell(f"198.51.{number // 250}.{number % 250}", NOON) for number in range(1000)]
    assert len([each for each in told if each is not None]) == LINES.burst


def test_a_clock_that_is_set_back_does_not_silence_the_log() -> None:
    seldom = Seldom()
    assert [seldom.tell(PEER, NOON), seldom.tell(PEER, NOON - timedelta(days=1))] == [1, 1]
