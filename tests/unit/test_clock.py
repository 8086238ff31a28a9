"""The time of the machine."""

from __future__ import annotations

from datetime import UTC, datetime

from updater.adapters.clock import SystemClock


def test_the_time_is_the_present_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
