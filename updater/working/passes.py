"""When the next pass over everything is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

PATIENCE = timedelta(seconds=60)
"""For how long a pass that is due lets events go first."""
GAP = timedelta(seconds=5)
"""After a pass, before one that news ask for: a busy forge has news all the time, and a limit of requests an hour."""


class Passes:
    """The time of the next pass (UTC). The first is due at once."""

    def __init__(self, interval: timedelta, now: Callable[[], datetime]) -> None:
        self._interval = interval
        self._now = now
        self._at = self._free_at = now()

    @property
    def at(self) -> datetime:
        """When it is due. A clock that was put back does not put it off."""
        self._at = min(self._at, self._now() + self._interval)
        return self._at

    def is_due(self) -> bool:
        """Whether it is time."""
        return self.at <= self._now()

    def is_overdue(self) -> bool:
        """Whether it has waited for long enough behind events."""
        return self.at + PATIENCE <= self._now()

    def hurry(self) -> None:
        """Something changed: the next pass is due now, or once the last one is some seconds ago."""
        self._at = min(self._at, max(self._now(), self._free_at))

    def begun(self) -> None:
        """What happens from now on is for the next pass."""
        self._at = self._now() + self._interval

    def ended(self, due: datetime | None, again: timedelta | None) -> None:
        """The next one is due when something that waits may go on, soon where this one has to be repeated, or else
        after the interval."""
        now = self._now()
        self._free_at = now + GAP
        if due is not None:
            self._at = min(self._at, max(due, now))
        if again is not None:
            self._at = min(self._at, now + again)
