"""When the next pass over everything is due."""

from __future__ import annotations

from datetime import timedelta

from tests.helpers.events import at
from tests.helpers.fake_repository import StoppedClock
from updater.working.passes import GAP, PATIENCE, Passes

FIVE = timedelta(minutes=5)


def passes() -> tuple[Passes, StoppedClock]:
    clock = StoppedClock(at(0))
    return Passes(FIVE, clock.now), clock


def test_the_first_pass_is_due_at_once() -> None:
    made, _ = passes()
    assert made.is_due()
    assert not made.is_overdue()


def test_the_next_one_is_due_after_the_interval() -> None:
    made, clock = passes()
    made.begun()
    made.ended(None, None)
    clock.time = at(4.9)
    assert not made.is_due()
    clock.time = at(5)
    assert made.is_due()


def test_something_that_may_go_on_earlier_brings_it_forward_and_later_does_not_put_it_off() -> None:
    made, _ = passes()
    made.begun()
    made.ended(at(2), None)
    assert made.at == at(2)
    made.begun()
    made.ended(at(60), None)
    assert made.at == at(5)


def test_something_that_was_due_before_is_due_now() -> None:
    made, clock = passes()
    clock.time = at(1)
    made.begun()
    made.ended(at(-10), None)
    assert made.at == at(1)


def test_news_are_heard_at_once_after_a_quiet_time_and_a_busy_forge_does_not_bring_one_pass_behind_the_other() -> None:
    made, clock = passes()
    made.begun()
    made.ended(None, None)
    made.hurry()
    assert made.at == at(0) + GAP
    clock.time = at(1)
    made.hurry()
    assert made.is_due()
    made.begun()
    made.ended(None, None)
    clock.time = at(2)
    made.hurry()
    assert made.at == at(2)


def test_one_that_has_to_be_repeated_is_repeated_soon() -> None:
    made, _ = passes()
    made.begun()
    made.ended(None, timedelta(seconds=3))
    assert made.at == at(0.05)


def test_what_changes_during_a_pass_is_for_the_next_one() -> None:
    made, _ = passes()
    made.begun()
    made.hurry()
    made.ended(None, None)
    assert made.is_due()


def test_events_go_first_for_a_while() -> None:
    made, clock = passes()
    clock.time = at(0) + PATIENCE
    assert made.is_overdue()


def test_a_clock_that_is_put_back_does_not_put_it_off() -> None:
    made, clock = passes()
    made.begun()
    made.ended(None, None)
    clock.time = at(-24 * 60)
    assert made.at == at(-24 * 60) + FIVE
