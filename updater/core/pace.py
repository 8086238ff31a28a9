"""How fast a forge may be written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

LIMITS = ((80, timedelta(minutes=1)), (500, timedelta(hours=1)))
"""So many writes in so long: GitHub's documented limits for requests that create content
(docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, secondary rate limits)."""
REMEMBERED = max(count for count, _ in LIMITS)
"""So many of the newest writes have to be known."""


def seconds_to_wait(writes: Sequence[datetime], now: datetime) -> float:
    """How long to wait before the next write, given the times of those before it, oldest first."""
    return max(_wait(writes, now, count, span) for count, span in LIMITS)


def _wait(writes: Sequence[datetime], now: datetime, count: int, span: timedelta) -> float:
    if len(writes) < count:
        return 0.0
    left = writes[-count] + span - now
    # A clock that was put back does not make it longer.
    return max(0.0, min(left, span).total_seconds())
